"""Real sshd processes on loopback, for tests that start dist.

    world = SshWorld(tmp_path)
    with Sshd(world, "build1"):
        dist("--tx", f"ssh=-F {world.config} build1", ...)

The client's configuration uses keys of the world only: no agent, and no file
of the user who runs the test. Those who log in have the world's folder "home"
as $HOME, but start in their own.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time

SSHD = "/usr/sbin/sshd"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class SshWorld:
    """Keys, known_hosts and a client's configuration in a folder."""

    def __init__(self, folder):
        self.folder = str(folder)
        # sshd reads authorized_keys as whoever logs in.
        os.chmod(self.folder, 0o755)
        self.home = self.path("home")
        os.mkdir(self.home)
        self.config = self.path("config")
        self.make_key("user_key")
        self.write("authorized_keys", self.read("user_key.pub"))
        self.write("known_hosts", "")
        self.write("config", f"Host *\n  IdentityFile {self.path('user_key')}\n"
                   f"  IdentityAgent none\n"
                   f"  UserKnownHostsFile {self.path('known_hosts')}\n"
                   f"  GlobalKnownHostsFile none\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def make_key(self, name, kind="ed25519"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f",
                        self.path(name)], check=True)

    def configure(self, lines):
        """Adds to the client's configuration, before what is there."""
        self.write("config", lines + "\n" + self.read("config"))


class Sshd:
    """A server; lines of `config` come first, and so win over ours."""

    def __init__(self, world, name, config=(), known=True, host="127.0.0.1",
                 before=()):
        self.world, self.name, self.host = world, name, host
        self.port = free_port()
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        if not os.path.exists(world.path("host_key")):
            world.make_key("host_key")
        world.write(name + ".sshd", "\n".join([
            *config, f"Port {self.port}", f"ListenAddress {host}",
            f"HostKey {world.path('host_key')}",
            f"AuthorizedKeysFile {world.path('authorized_keys')}",
            "StrictModes no", "UsePAM no", "PidFile none", "LogLevel VERBOSE",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password", "MaxStartups 200",
            f"SetEnv HOME={world.home}", ""]))
        self.process = subprocess.Popen(
            [*before, SSHD, "-D", "-f", world.path(name + ".sshd"), "-E",
             world.path(name + ".log")], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while "Server listening on" not in self.log():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.005)
        world.configure(f"Host {name}\n  HostName {host}\n  Port {self.port}")
        if known:
            key = world.read("host_key.pub")
            world.write("known_hosts", world.read("known_hosts") +
                        f"[{host}]:{self.port} {key}")

    def log(self):
        try:
            return self.world.read(self.name + ".log")
        except FileNotFoundError:
            return ""

    def sessions(self):
        """Process ids of the logins there are now, one or two each. Where the server is
        not root, the second does not end with the first."""
        parents, found = [self.process.pid], []
        while parents:
            listed = subprocess.run(["pgrep", "-x", "sshd", "-P", ",".join(map(str, parents))],
                                    capture_output=True, text=True)
            parents = [int(pid) for pid in listed.stdout.split()]
            found += parents
        return found

    def stop(self):
        """Ends the server and the connections it has."""
        if self.process.poll() is not None:
            return
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):  # It has just ended.
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
