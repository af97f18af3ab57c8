"""ssh= against real servers: what goes wrong, how it is said, and what is left."""

import os
import pathlib
import signal
import socket

import dist_run
import pytest

from ssh_rig import ssh  # noqa: F401


def lines_with(ran, words):
    return [line for line in (ran.out + ran.err).splitlines() if words in line]


def said_once(ran, host, words):
    """The host's trouble is one line, with one of help."""
    lines = (ran.out + ran.err).splitlines()
    found = [i for i, line in enumerate(lines) if f"host {host}: " in line]
    assert len(found) == 1, ran
    assert words.lower() in lines[found[0]].lower(), ran
    assert lines[found[0] + 1].strip().startswith("help: "), ran


@pytest.fixture(params=["libssh", "openssh"])
def way(request):
    return f"--ssh={request.param}"


def test_one_bad_host_among_good_ones(dist, ssh):
    dist.write(it="import pytest\n@pytest.mark.parametrize('n', range(8))\n"
                  "def test_it(n): pass")
    ssh.start("good")
    ssh.start("bad").stop()
    ran = dist.run("--tx", "2*" + ssh.spec("bad"), "--tx", ssh.spec("good"))
    assert (ran.status, ran.counts) == (0, {"passed": 8}), ran
    said_once(ran, "bad", "connection refused")


def test_no_host_is_usable(dist, ssh, way):
    dist.write(it="def test_it(): pass")
    ssh.start("bad").stop()
    ran = dist.run(way, "--tx", ssh.spec("bad"), "--tx", ssh.spec("nobody@bad2.invalid"))
    assert ran.status == 11, ran
    said_once(ran, "bad", "connection refused")
    said_once(ran, "bad2.invalid", "unknown host bad2.invalid: ")


def test_an_unknown_host_key(dist, ssh, way):
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1", known=False)
    # No option makes it known.
    for more in "", "-o StrictHostKeyChecking=no ", "-o StrictHostKeyChecking=accept-new ":
        ran = dist.run(way, "--tx", ssh.spec("build1").replace("-F", more + "-F"))
        assert ran.status == 11, ran
        said_once(ran, "build1", "not known")
        assert "SHA256:" in ran.out + ran.err, ran
        assert ssh.world.read("known_hosts") == ""
    assert "Accepted" not in server.log()


def test_a_changed_host_key(dist, ssh, way):
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1", known=False)
    ssh.world.make_key("old_key")
    ssh.world.write("known_hosts",
                    f"[127.0.0.1]:{server.port} {ssh.world.read('old_key.pub')}")
    ran = dist.run(way, "--tx",
                   ssh.spec("build1").replace("-F", "-o StrictHostKeyChecking=no -F"))
    assert ran.status == 11, ran
    said_once(ran, "build1", "changed")
    assert "THE HOST KEY OF " in ran.out + ran.err, ran
    assert "SHA256:" in ran.out + ran.err, ran
    assert "known_hosts:1" in ran.out + ran.err, ran
    assert "Accepted" not in server.log()


def test_no_key_is_accepted(dist, ssh):
    dist.write(it="def test_it(): pass")
    ssh.start("build1")
    ssh.world.write("authorized_keys", "")
    ran = dist.run("--tx", ssh.spec("build1"))
    assert ran.status == 11, ran
    said_once(ran, "build1", "user_key")


@pytest.mark.parametrize("python", [None, "#!/bin/sh\nexec /usr/bin/python3 -I -S \"$@\"\n"],
                         ids=["no python", "no pytest"])
def test_a_host_without_pytest(dist, ssh, python):
    dist.write(it="def test_it(): pass")
    tools = ssh.folder / "bin"
    tools.mkdir()
    for path in pathlib.Path("/usr/bin").iterdir():
        if not path.name.startswith(("python", "pytest", "py.test")):
            (tools / path.name).symlink_to(path)
    if python:
        (tools / "python3").write_text(python)
        (tools / "python3").chmod(0o755)
    ssh.start("bare", env=f"PATH={tools}")
    ran = dist.run("--tx", ssh.spec("bare"))
    assert ran.status == 11, ran
    text = ran.out + ran.err
    assert ("pytest" in text if python else "python" in text) and "help: " in text, ran
    assert "bare" in text, ran
    # The others do its work.
    ran = dist.run("--tx", ssh.spec("bare"), "--tx", "popen")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


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


def begin(dist, ssh, *more, **tests):
    """A run whose test sleeps on build1: (run, server, pids of test and node)."""
    dist.write(it=SLEEPS, **tests)
    server = ssh.start("build1")
    live = dist.start("--tx", f"{ssh.spec('build1')}//env:PID={dist / 'pid'}", *more)
    return live, server, [int(pid) for pid in dist.wait_for("pid")[0].split()]


def clean(dist, pids):
    dist_run.wait_until(lambda: not any(map(dist_run.alive, pids)), 2, "the host is clean")
    # What the server started for us has the cookie as well.
    dist_run.wait_gone(dist.cookie, 2)


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
    assert len(ssh.programs()) == 1
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
