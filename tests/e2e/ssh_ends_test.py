"""ssh= against real servers: how runs and links end, and what is left then."""

import contextlib
import os
import signal
import socket
import time

import dist_run

from ssh_rig import network, ssh  # noqa: F401


def lines_with(ran, words):
    return [line for line in (ran.out + ran.err).splitlines() if words in line]


SLEEPS = """
    import os, pathlib, signal, subprocess, time
    def test_it():
        pid = pathlib.Path(os.environ["PID"])
        while "WAIT" in os.environ and not pid.exists(): time.sleep(0.01)
        if pid.exists(): return
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        pid.write_text(f"{os.getpid()} {os.getppid()}\\n")
        time.sleep(1000)
    """


def begin(dist, ssh, *more, where=None, **tests):
    """A run whose test sleeps on build1: (run, server, pids of test and node)."""
    dist.write(it=SLEEPS, **tests)
    server = ssh.start("build1", **(where or {}))
    live = dist.start("--tx", f"{ssh.spec('build1')}//env:PID={dist / 'pid'}", *more)
    return live, server, [int(pid) for pid in dist.wait_for("pid")[0].split()]


def clean(dist, pids):
    dist_run.wait_until(lambda: not any(map(dist_run.alive, pids)), 2, "the host is clean")
    # What the server started for us has the cookie as well.
    dist_run.wait_gone(dist.cookie, 2)


def test_a_normal_end_leaves_no_process(dist, ssh):
    """Though the test has put some out of its reach, and the server goes on."""
    dist.write(it="""
        import subprocess
        def test_it():
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
            subprocess.Popen(["sh", "-c", "trap '' TERM HUP; sleep 1000 & wait"])
        """)
    server = ssh.start("build1")
    ran = dist.run("--tx", "2*" + ssh.spec("build1"))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    dist_run.wait_gone(dist.cookie, 2)
    dist_run.wait_until(lambda: not server.sessions(), 2, "the login is over")
    assert ssh.left() == []


def test_ctrl_c_while_connecting(dist, ssh):
    """To a server that accepts and says nothing."""
    dist.write(it="def test_it(): pass")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(10)
        port = mute.getsockname()[1]
        live = dist.start("--tx", f"ssh=-F {ssh.world.config} -p {port} 127.0.0.1")
        peer, _ = mute.accept()
        with peer:
            live.signal(signal.SIGINT)
            ran = live.wait(5)
    assert ran.status == 2, ran
    assert ssh.left() == []


def test_ctrl_c_while_running(dist, ssh):
    live, server, pids = begin(dist, ssh)
    live.signal(signal.SIGINT)
    ran = live.wait(10)
    assert ran.status == 2, ran
    clean(dist, pids)
    assert ssh.left() == []
    assert len(ssh.programs()) == 1 or dist_run.common_programs()
    dist_run.wait_until(lambda: not server.sessions(), 2, "the login is over")


def test_the_coordinator_is_killed(dist, ssh):
    live, server, pids = begin(dist, ssh)
    live.signal(signal.SIGKILL)
    live.process.wait(10)
    live.process.stdout.close()
    live.process.stderr.close()
    clean(dist, pids)
    assert ssh.left() == []
    dist_run.wait_until(lambda: not server.sessions(), 2, "the login is over")


def test_a_session_is_killed(dist, ssh):
    """The connection is made anew, and the test runs again."""
    live, server, pids = begin(dist, ssh)
    for session in server.sessions():
        with contextlib.suppress(ProcessLookupError):  # The other one's end was its end.
            os.kill(session, signal.SIGKILL)
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert lines_with(ran, "build1"), ran
    clean(dist, pids)
    assert server.log().count("Accepted publickey") == 2


def test_the_node_is_killed(dist, ssh):
    """What a test has put out of its reach dies with it, and the test runs again."""
    live, _, (test, node) = begin(dist, ssh)
    old = [pid for pid, words in dist_run.processes(dist.cookie).items()
           if words.startswith("sleep ")]
    assert old
    os.kill(node, signal.SIGKILL)
    dist_run.wait_until(lambda: not any(map(dist_run.alive, [test, *old])), 5, "all is gone")
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert lines_with(ran, "host build1: the node is gone: killed by SIGKILL; replaced"), ran


def test_the_only_host_is_lost(dist, ssh):
    live, server, pids = begin(dist, ssh)
    server.stop()
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (10, {"lost": 1}), ran
    assert lines_with(ran, "host build1: "), ran
    clean(dist, pids)


def test_what_a_lost_host_had_runs_elsewhere(dist, ssh):
    """The worker here waits with its first test until the host has one."""
    here = f"popen//env:WAIT={dist / 'pid'}//env:PID={dist / 'pid'}"
    live, server, pids = begin(dist, ssh, "--maxschedchunk=1", "--tx", here, also="""
        import os, pathlib, time
        def test_also():
            pid = pathlib.Path(os.environ.get("WAIT", "/"))
            while not pid.exists(): time.sleep(0.01)
        """)
    server.stop()
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert lines_with(ran, "host build1: "), ran
    clean(dist, pids)


def test_the_coordinator_falls_silent(dist, ssh):
    """Its connection stays up, so only the node's patience, of 20 s, ends what runs there."""
    live, server, pids = begin(dist, ssh)
    live.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    dist_run.wait_until(lambda: list(dist_run.processes(dist.cookie)) == [live.pid], 24,
                        "the host is clean")
    assert time.monotonic() - stopped > 10
    assert not any(map(dist_run.alive, pids))
    assert ssh.left() == []
    live.signal(signal.SIGCONT)  # The test runs again.
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert server.log().count("Accepted publickey") == 2


def test_a_cable_is_cut(dist, ssh, network):
    """Neither side is told. The node kills what it has started, others do its work."""
    here = f"popen//env:WAIT={dist / 'pid'}//env:PID={dist / 'pid'}"
    live, _, pids = begin(dist, ssh, "--maxschedchunk=1", "--tx", here, also="""
        import os, pathlib, time
        def test_also():
            pid = pathlib.Path(os.environ.get("WAIT", "/"))
            while not pid.exists(): time.sleep(0.01)
        """, where={"host": network.address, "before": network.enter})
    network.cut()
    dist_run.wait_until(lambda: not any(map(dist_run.alive, pids)), 24, "the host is clean")
    ran = live.wait(60)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert lines_with(ran, "host build1: "), ran
    dist_run.wait_gone(dist.cookie, 24)
