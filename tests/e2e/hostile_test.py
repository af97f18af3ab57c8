"""Tests that harm their surroundings: they do not reach the run or the host."""

import dist_run
import pytest


def pids(dist, name):
    return [int(line) for line in dist.read(name).split()]


@pytest.mark.parametrize("body", [
    "os.close(0); os.close(1); os.close(2)",
    "os.chdir('/'); os.umask(0o777); sys.path[:] = []; os.environ.clear()",
    "[signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]",
    "time.time = time.monotonic = time.perf_counter = lambda: 0",
    "json.dumps = json.loads = None",
    "os.write = os.read = None",
    "threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()",
    "threading.excepthook = sys.excepthook = sys.unraisablehook = None; gc.disable()",
], ids=["close-0-2", "surroundings", "signals", "clock", "json", "os.write", "thread",
        "hooks"])
def test_harm_to_its_own_process(dist, body):
    dist.write(it=f"""
        import gc, json, os, signal, sys, threading, time
        def test_before(): pass
        def test_harms(): {body}
        def test_after(): pass
        """)
    ran = dist.run("-n", "1", timeout=30)
    assert (ran.status, ran.counts) == (0, {"passed": 3}), ran
    assert ran.seconds < 10, ran


@pytest.mark.parametrize("body", [
    "sys.stdout.close(); sys.stderr.close()",
    "os.closerange(3, 10)",
    "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    "sys.setrecursionlimit(60)",
    "os.kill(os.getpid(), signal.SIGSTOP) if 0 else sys.modules.pop('os')",
], ids=["close-streams", "close-3-9", "rlimit", "recursion", "modules"])
def test_harm_to_pytest_itself(dist, body):
    """Plain pytest may break at this; every test has a verdict all the same."""
    dist.write(it=f"""
        import os, resource, signal, sys
        def test_before(): pass
        def test_harms(): {body}
        def test_after(): pass
        """)
    ran = dist.run("-n", "1", timeout=30)
    verdicts = {name: how for name, how in ran.outcomes.items() if name != "pytest::internal"}
    assert len(verdicts) == 3 and "lost" not in verdicts.values(), ran
    assert verdicts["test_it::test_before"] == "passed", ran


def test_garbage_into_every_descriptor(dist):
    """Never more than this worker: it is replaced if its words make no sense."""
    dist.write(it="""
        import os
        def test_before(): pass
        def test_writes():
            for fd in range(3, 20):
                try: os.write(fd, b"garbage" * 100)
                except OSError: pass
        def test_after(): pass
        """)
    ran = dist.run("-n", "1", timeout=30)
    assert ran.outcomes["test_it::test_before"] == "passed", ran
    assert ran.outcomes["test_it::test_after"] == "passed", ran


def test_garbage_into_the_control_channel(dist):
    """All descriptors, also the high one."""
    dist.write(it="""
        import os, pytest
        def test_writes():
            for fd in map(int, os.listdir("/proc/self/fd")):
                if fd < 3: continue
                try: os.write(fd, b"\\xff\\xff\\xff\\x7fgarbage" * 100)
                except OSError: pass
        @pytest.mark.parametrize("n", range(5))
        def test_after(n): pass
        """)
    ran = dist.run("-n", "1", timeout=30)
    assert ran.status == 1, ran
    assert ran.counts == {"crashed": 1, "passed": 5}, ran


def test_flood(dist):
    """50 MB of output, captured, not captured and from a child."""
    dist.write(it="""
        import os, subprocess
        def test_floods():
            for _ in range(800): os.write(1, b"x" * 65535 + b"\\n")
        def test_prints(): print("y" * 20_000_000)
        def test_fails(): print("z" * 20_000_000); assert 0
        def test_after(): pass
        """)
    ran = dist.run("-n", "1", timeout=60)
    assert ran.counts == {"passed": 3, "failed": 1}, ran.last
    assert len(ran.out) < 3_000_000
    ran = dist.run("-n", "1", "--", "--capture=no", "-k", "floods", timeout=60)
    assert ran.counts == {"passed": 1, "deselected": 3}, ran.last


@pytest.mark.parametrize("body", [
    "subprocess.Popen(['sleep', '1000'])",
    "subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP INT; sleep 1000 & wait'])",
    "daemonise()",
    "subprocess.Popen(['env', '-i', 'sh', '-c', 'sleep 1000 & sleep 1000'])",
], ids=["sleep", "session", "trap", "daemon", "no-environment"])
def test_nothing_is_left(dist, body):
    dist.write(it=f"""
        import os, signal, subprocess, time
        def daemonise():
            if os.fork() == 0:
                os.setsid()
                if os.fork() != 0: os._exit(0)
                for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(name, signal.SIG_IGN)
                os.closerange(0, 1000)
                with open("pids", "a") as f: f.write(f"{{os.getpid()}}\\n")
                time.sleep(1000)
                os._exit(0)
            while not os.path.exists("pids"): time.sleep(0.01)
        def test_leaves():
            child = {body}
            if child:
                with open("pids", "a") as f: f.write(f"{{child.pid}}\\n")
        """)
    ran = dist.run("-n", "1", timeout=30)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert ran.seconds < 10
    left = [pid for pid in pids(dist, "pids") if dist_run.alive(pid)]
    assert pids(dist, "pids") and not left


def test_a_forked_copy_of_the_process(dist):
    """A child that returns into pytest must not speak for its parent."""
    dist.write(it="""
        import os
        def test_forks():
            pid = os.fork()
            if pid: assert os.waitpid(pid, 0)[1] == 0
        def test_after(): pass
        """)
    ran = dist.run("-n", "1", timeout=30)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_the_node_once(dist, workers):
    """Losing the host is no failure of the test that ran: it runs again."""
    dist.write(it="""
        import os, pytest, signal
        def test_before(): pass
        def test_kills():
            if not os.path.exists("once"):
                open("once", "w").close()
                os.kill(os.getppid(), signal.SIGKILL)
                signal.pause()
        @pytest.mark.parametrize("n", range(10))
        def test_after(n): pass
        """)
    ran = dist.run("-n", workers, timeout=30)
    assert (ran.status, ran.counts) == (0, {"passed": 12}), ran
    assert "localhost" in ran.out


NODE_KILLER = """
    import os, pytest, signal, time
    def test_kills():
        with open("tries", "a") as f: f.write("x")
        {pause}
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()
    @pytest.mark.parametrize("n", range(10))
    def test_after(n): pass
    """


@pytest.mark.parametrize("pause", [
    "time.sleep(0.3)  # Its start is known by now.",
    "pass  # Its node dies before it has told of the start.",
], ids=["late", "at-once"])
def test_kill_the_node_always(dist, pause):
    """A test that takes its host down wherever it runs is a crash, in the end."""
    dist.write(it=NODE_KILLER.format(pause=pause))
    ran = dist.run("-n", "2", timeout=30)
    assert (ran.status, ran.counts) == (1, {"passed": 10, "crashed": 1}), ran
    assert 2 <= len(dist.read("tries")) <= 3


def test_kill_the_node_at_once_behind_others(dist):
    """Whose beginning nobody told is found out, and nobody else is blamed."""
    dist.write(it="""
        import os, pytest, signal
        @pytest.mark.parametrize("n", range(20))
        def test_before(n): pass
        def test_kills(): os.kill(os.getppid(), signal.SIGKILL); signal.pause()
        @pytest.mark.parametrize("n", range(20))
        def test_after(n): pass
        """)
    ran = dist.run("-n", "2", timeout=30)
    assert (ran.status, ran.counts) == (1, {"passed": 40, "crashed": 1}), ran
    assert ran.outcomes["test_it::test_kills"] == "crashed", ran
