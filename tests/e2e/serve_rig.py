"""Hosts behind `dist serve` for end-to-end tests, and whoever has their key."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import dist_run
import pytest


class Served:
    """A `dist serve`; `spec` is how dist reaches it."""

    def __init__(self, project, folder, *args, home=None, program=(), prefix=(), **env):
        self.project = project
        self.home = home or folder / "serve-home"
        self.home.mkdir(exist_ok=True)
        self.errors = folder / f"serve-{id(self)}.log"
        words = [] if "--bind" in args else ["--bind", "127.0.0.1:0"]
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, *(program or (dist_run.program(), "serve")), *words, *map(str, args)], cwd=folder,
                env=dist_run.environment(project.cookie, **{
                    "HOME": self.home, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None, **env}),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.decode().rstrip("\n"))
            if len(self.said) == 3:
                break
        assert len(self.said) == 3, self.log()
        self.spec = re.search(r"socket=\S+$", self.said[2])[0]
        self.key = pathlib.Path(re.match(r"key: (\S+) \(dist1:", self.said[1])[1])

    @property
    def env(self):
        return {"DIST_KEY_FILE": self.key}

    def log(self):
        return self.errors.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return self.process.wait(20)

    def listens(self):
        """The ports at which it, or what descends from it, listens."""
        inodes = {}
        for name in ("tcp", "tcp6", "udp", "udp6"):
            with contextlib.suppress(OSError):
                for line in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]:
                    words = line.split()
                    if words[3] == "0A" or name.startswith("udp"):
                        inodes[words[9]] = int(words[1].rpartition(":")[2], 16)
        found = []
        for pid in dist_run.processes(self.project.cookie):
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    link = os.readlink(f"/proc/{pid}/fd/{fd}")
                    if link.startswith("socket:") and link[8:-1] in inodes:
                        found.append(inodes[link[8:-1]])
        return found


@pytest.fixture
def serve(dist, tmp_path):
    servers = []

    def start(*args, **kwargs):
        servers.append(Served(dist, tmp_path, *args, **kwargs))
        return servers[-1]
    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop(signal.SIGTERM)
        server.process.stdout.close()
