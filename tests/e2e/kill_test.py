"""The coordinator or the node are killed: nothing is left, whatever tests do."""

import os
import pathlib
import signal

import dist_run
import pytest

TESTS = """
    import os, pathlib, signal, subprocess, time
    def wait(name):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        grandchild = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000"])
        pathlib.Path(name).write_text(f"{os.getppid()}\\n")
        time.sleep(1000)
    def test_one(): wait("one")
    def test_two(): wait("two")
    """


def begin(dist):
    dist.write(it=TESTS)
    live = dist.start("-n", "2", "--maxschedchunk=1")
    nodes = dist.wait_for("one") + dist.wait_for("two")
    assert nodes[0] == nodes[1], "two nodes for one host"
    return live, int(nodes[0])


def test_coordinator_is_killed(dist):
    live, node = begin(dist)
    live.signal(signal.SIGKILL)
    live.process.wait(10)
    dist_run.wait_gone(dist.cookie, 2.0)
    assert not dist_run.alive(node)
    live.process.stdout.close()
    live.process.stderr.close()


def test_node_is_killed(dist):
    """Its processes die with it; what they ran runs again on a new one."""
    live, node = begin(dist)
    first = set(dist_run.processes(dist.cookie)) - {live.pid}
    for name in ("one", "two"):
        (dist / name).unlink()
    os.kill(node, signal.SIGKILL)
    dist_run.wait_until(lambda: not any(map(dist_run.alive, first)), 5, "old processes end")
    again = dist.wait_for("one") + dist.wait_for("two")
    assert str(node) not in again
    live.signal(signal.SIGINT)
    status = pathlib.Path(f"/proc/{live.pid}/status")
    dist_run.wait_until(lambda: "ShdPnd:\t0000000000000000" in status.read_text())
    live.signal(signal.SIGINT)
    ran = live.wait(20)
    assert ran.status == 2, ran


def test_worker_is_killed(dist):
    """From outside, as by the OOM killer: its test is crashed, the other goes on."""
    dist.write(it="""
        import os, pathlib, time
        def test_victim():
            pathlib.Path("pid").write_text(f"{os.getpid()}\\n")
            time.sleep(1000)
        def test_other():
            while not pathlib.Path("go").exists(): time.sleep(0.01)
        def test_last(): pass
        """)
    live = dist.start("-n", "2", "--maxschedchunk=1")
    os.kill(int(dist.wait_for("pid")[0]), signal.SIGKILL)
    (dist / "go").touch()
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (1, {"crashed": 1, "passed": 2}), ran
    assert "SIGKILL" in ran.out


def test_no_socket_listens_while_it_runs(dist):
    dist.write(it="""
        import os, pathlib
        def test_it():
            listening = set()
            for name in ("tcp", "tcp6"):
                for line in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]:
                    words = line.split()
                    if words[3] == "0A": listening.add(words[9])
            for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
                words = line.split()
                if int(words[3], 16) & 0x10000: listening.add(words[6])
            node = os.getppid()
            stat = pathlib.Path(f"/proc/{node}/stat").read_text()
            coordinator = int(stat.rpartition(")")[2].split()[1])
            for pid in (coordinator, node, os.getpid()):
                assert "dist" in os.readlink(f"/proc/{pid}/exe") or pid == os.getpid()
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    try: target = os.readlink(f"/proc/{pid}/fd/{fd}")
                    except OSError: continue
                    assert target[8:-1] not in listening
            # Its own descriptors: stdio, pytest's captures, the control channel.
            assert len(os.listdir("/proc/self/fd")) < 20
            assert os.getsid(0) == os.getpid()
        """)
    ran = dist.run("-n", "1")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_two_runs_at_once(dist):
    """One that ends does not touch the other's processes."""
    dist.write(
        long="""
            import pathlib, time
            def test_long():
                pathlib.Path("long").write_text("yes\\n")
                while not pathlib.Path("go").exists(): time.sleep(0.01)
            """,
        short="def test_short(): pass")
    live = dist.start("-n", "2", "test_long.py")
    dist.wait_for("long")
    other = dist_run.Live(dist, [dist_run.program(), "-n", "2", "test_short.py"],
                          dist_run.environment(dist.cookie))
    assert other.wait(30).status == 0
    (dist / "go").touch()
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_at_once(dist, number):
    """A signal may come before there is anything to stop."""
    dist.write(it="def test_it(): pass")
    live = dist.start("-n", "2")
    dist_run.wait_until(lambda: "SigBlk:\t0000000000004003" in
                        open(f"/proc/{live.pid}/status").read() or
                        len(dist_run.processes(dist.cookie)) > 1, 10)
    live.signal(number)
    ran = live.wait(20)
    assert ran.status in (2, 0, -signal.SIGTERM), ran
