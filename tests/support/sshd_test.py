import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import sshd  # noqa: E402


def test_the_world_lets_its_key_in(tmp_path):
    world = sshd.SshWorld(tmp_path)
    with sshd.Sshd(world, "a") as server:
        done = subprocess.run(["ssh", "-F", world.config, "a", "echo $HOME"],
                              capture_output=True, text=True)
        assert done.stdout == world.home + "\n", done.stderr
        assert "Accepted publickey" in server.log()


def test_a_key_may_be_unknown(tmp_path):
    world = sshd.SshWorld(tmp_path)
    with sshd.Sshd(world, "a", known=False):
        done = subprocess.run(["ssh", "-F", world.config, "-o", "BatchMode=yes",
                               "a", "true"], capture_output=True, text=True)
        assert "Host key verification failed" in done.stderr


def test_stopping_ends_the_connections(tmp_path):
    world = sshd.SshWorld(tmp_path)
    with sshd.Sshd(world, "a", config=["MaxSessions 1"]) as server:
        with subprocess.Popen(["ssh", "-F", world.config, "a", "echo up; cat"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as client:
            assert client.stdout.readline() == b"up\n"
            assert len(server.sessions()) == 1
            server.stop()
            assert client.stdout.read() == b""
