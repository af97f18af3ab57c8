"""Hosts over ssh for end-to-end tests: real servers, with keys of the test's own.

Whatever runs on such a host has the project's cookie, so that the fixture
`dist` finds what a run has left there, too.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types

import dist_run
import pytest

sys.path.insert(0, os.path.abspath("tests/support"))
import sshd  # noqa: E402


# Where programs go if they cannot go home: those of other runs are not for us.
FALLBACKS = ("/dev/shm", "/var/tmp")
PRIVATE = ("unshare", "--mount", "sh", "-c",
           "for f in " + " ".join(FALLBACKS) + "; do mount -t tmpfs dist $f || exit; done; "
           "exec \"$@\"", "sh")


class Hosts:
    """A world of servers; `spec(name)` is how dist reaches one."""

    def __init__(self, project):
        # Where a server may read it, whoever logs in.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dist_ssh_", dir="/tmp"))
        self.world = sshd.SshWorld(self.folder)
        self.home = pathlib.Path(self.world.home)
        self.project = project
        self.servers = []

    def start(self, name, home=None, env="", before=(), last=(), **options):
        set_env = (f"SetEnv HOME={home or self.home} "
                   f"{dist_run.COOKIE}={self.project.cookie} {env}")
        private = PRIVATE if os.geteuid() == 0 else ()
        server = sshd.Sshd(self.world, name, config=(set_env,),
                           before=(*before, *private, *last), **options)
        self.servers.append(server)
        return server

    def spec(self, name, user=""):
        return f"ssh=-F {self.world.config} {user}{name}"

    def left(self):
        """What a run has left in the home but its cache, or half-written in it."""
        found = sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))
        cache = ".cache/dist/"
        half = (cache + "programs/t.", cache + "trees/")
        return [path for path in found
                if path not in (".cache", cache[:-1]) and not path.startswith(cache)
                or path.startswith(half[0])
                or path.startswith(half[1]) and path.endswith(("/stage", ".next"))]

    def programs(self):
        return sorted(path.name for path in self.home.glob(".cache/dist/programs/*"))

    def stop(self):
        for server in self.servers:
            server.stop()
        dist_run.wait_until(self._remove, 10, "what nodes have in their home goes")

    def _remove(self):
        # A node that ends removes things, too.
        shutil.rmtree(self.folder, ignore_errors=True)
        return not self.folder.exists()


@pytest.fixture
def ssh(dist):
    if not os.access(sshd.SSHD, os.X_OK) or not shutil.which("ssh"):
        pytest.skip("NOT TESTED: no sshd, no ssh")
    hosts = Hosts(dist)
    yield hosts
    # Servers first: what a run leaves may not live on because of them.
    hosts.stop()


@pytest.fixture
def account():
    """Makes an account of this machine, for the time of a test: shell -> (name, home)."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: making an account needs root")
    made = []

    def make(shell):
        name = f"diste{os.getpid()}x{len(made)}"
        home = f"/tmp/home_{name}"
        made.append(name)
        subprocess.run(["/usr/sbin/useradd", "-m", "-d", home, "-s", shell, "-p", "*", name],
                       check=True)
        return name, pathlib.Path(home)
    yield make
    for name in made:
        subprocess.run(["/usr/sbin/userdel", "-f", "-r", name], stderr=subprocess.DEVNULL,
                       check=False)


@pytest.fixture
def network():
    """A network of its own with one cable to ours: `enter`, its `address`, `cut()`."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: making a network namespace needs root")
    pid = os.getpid()
    name, inside, outside = f"diste{pid}", f"ei{pid}", f"eo{pid}"
    # Of the nets that RFC 2544 sets apart for tests.
    net = f"198.19.{pid % 250}."

    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def cut():
        """From now on nothing arrives, at either end, and nobody is told."""
        nowhere = ("lladdr", "02:00:00:00:00:99", "nud", "permanent", "dev")
        ip("neigh", "replace", net + "2", *nowhere, outside)
        ip("-n", name, "neigh", "replace", net + "1", *nowhere, inside)
    ip("netns", "add", name)
    try:
        ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        ip("addr", "add", net + "1/30", "dev", outside)
        ip("link", "set", outside, "up")
        ip("-n", name, "addr", "add", net + "2/30", "dev", inside)
        ip("-n", name, "link", "set", inside, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield types.SimpleNamespace(enter=("ip", "netns", "exec", name), address=net + "2",
                                    cut=cut)
    finally:
        # Its namespace would take it along, but at leisure: the next network has
        # the same name.
        subprocess.run(["ip", "link", "del", outside], check=False)
        ip("netns", "del", name)
