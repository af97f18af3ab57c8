"""exec=ssh: the system's ssh to a real sshd on loopback, with keys of the test's own."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import dist_run
import pytest


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


@pytest.fixture
def ssh():
    """(the ssh command, the home that it leads to) of a server of its own."""
    if not shutil.which("sshd", path="/usr/sbin") or not shutil.which("ssh"):
        pytest.skip("NOT TESTED: no sshd, no ssh")
    # Where the server may read it, whoever logs in.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dist_ssh_", dir="/tmp"))
    home = folder / "home"
    home.mkdir()
    for key in "host", "user":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key],
                       check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    port = free_port()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    # Its login shell is whatever the user has; its start files are noisy.
    (home / ".bashrc").write_text("echo Welcome to dist-bootstrap-1 run; seq 1 2000\n")
    (folder / "config").write_text(f"""
        Port {port}
        ListenAddress 127.0.0.1
        HostKey {folder}/host
        AuthorizedKeysFile {folder}/authorized_keys
        StrictModes no
        UsePAM no
        PidFile none
        MaxSessions 1
        PermitRootLogin prohibit-password
        SetEnv HOME={home}
        """)
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", folder / "config"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    dist_run.wait_until(lambda: accepts(port), 10, "sshd")
    yield (f"ssh -F none -p {port} -i {folder}/user -o UserKnownHostsFile={folder}/known "
           "-o BatchMode=yes 127.0.0.1", home)
    server.kill()
    server.wait()
    shutil.rmtree(folder)


def test_cold_and_warm(dist, ssh):
    command, home = ssh
    dist.write(it="""
        import os
        def test_environment():
            assert "HERE" not in os.environ and "VIRTUAL_ENV" not in os.environ
            assert "SSH_CONNECTION" in os.environ
            assert "SSH_AUTH_SOCK" not in os.environ
        """, more="""
        import pytest
        @pytest.mark.parametrize("n", range(10))
        def test_it(n): assert n != 3
        """)
    for _ in range(2):
        ran = dist.run("--tx", f"2*exec={command} sh//chdir={dist.folder}",
                       env={"HERE": 1, "VIRTUAL_ENV": "/nonexistent"})
        assert (ran.status, ran.counts) == (1, {"passed": 10, "failed": 1}), ran
    assert len(list(home.glob(".cache/dist/programs/*"))) == 1 or dist_run.common_programs()
    assert sorted(os.listdir(home)) == [".bashrc", ".cache"]


@pytest.mark.parametrize("victim", ["coordinator", "ssh"])
def test_a_cut_leaves_nothing(dist, ssh, victim):
    command, home = ssh
    dist.write(it="""
        import os, pathlib, subprocess, time
        def test_it():
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
            pathlib.Path("pid").write_text(f"{os.getpid()} {os.getppid()}\\n")
            time.sleep(1000)
        """)
    live = dist.start("--tx", f"exec=exec {command} sh//chdir={dist.folder}"
                      f"//env:{dist_run.COOKIE}={dist.cookie}")
    test, node = map(int, dist.wait_for("pid")[0].split())
    if victim == "coordinator":
        live.signal(signal.SIGKILL)
        live.process.wait(10)
        live.process.stdout.close()
        live.process.stderr.close()
    else:
        (dist / "pid").unlink()
        for pid, words in dist_run.processes(dist.cookie).items():
            if words.startswith("ssh "):
                os.kill(pid, signal.SIGKILL)
    dist_run.wait_until(lambda: not dist_run.alive(test) and not dist_run.alive(node), 2,
                        "the host is clean")
    if victim == "ssh":
        dist.wait_for("pid")  # It runs again, over a new connection.
        live.signal(signal.SIGINT)
        dist_run.wait_until(lambda: "ShdPnd:\t0000000000000000" in
                            pathlib.Path(f"/proc/{live.pid}/status").read_text())
        live.signal(signal.SIGINT)
        assert live.wait(20).status == 2


def test_ssh_says_what_is_wrong(dist, ssh):
    command, _ = ssh
    dist.write(it="def test_it(): pass")
    ran = dist.run("--tx", f"exec={command.replace('127.0.0.1', 'nobody@127.0.0.1')} sh")
    assert ran.status == 11, ran
    assert "no POSIX shell answered: exit status 255: " in ran.out
    assert "Permission denied (publickey" in ran.out
    ran = dist.run("--tx", "exec=ssh -F none -p 1 127.0.0.1 sh")
    assert ran.status == 11 and "Connection refused" in ran.out, ran
