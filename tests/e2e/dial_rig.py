"""Hosts that dial, and a dist that waits for them, in end-to-end tests."""

import os
import pathlib
import re
import secrets
import signal
import subprocess

import dist_run
import pytest


def make_key(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"dist-key-1 {secrets.token_hex(32)}\n")
    return path


class Dialled:
    """A `dist serve --dial`, with a home of its own."""

    def __init__(self, project, folder, address, key, *args, prefix=()):
        self.home = folder / f"home-{id(self)}"
        self.home.mkdir()
        self.errors = folder / f"dial-{id(self)}.log"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, dist_run.program(), "serve", "--dial", address, *map(str, args)],
                cwd=folder, env=dist_run.environment(project.cookie, **{
                    "HOME": self.home, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None,
                    "DIST_KEY_FILE": key}),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        self.said = [line.decode().rstrip("\n") for _, line in zip(range(3), self.process.stdout)]

    def log(self):
        return self.errors.read_text(errors="replace")

    def wait_for(self, words, seconds=20):
        dist_run.wait_until(lambda: words in self.log(), seconds, words)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)


class Waiting:
    """A dist that listens; its stderr is in a file."""

    def __init__(self, project, folder, *args, **kwargs):
        self.errors = folder / f"listen-{id(self)}.log"
        with open(self.errors, "wb") as errors:
            self.live = project.start(*args, stderr=errors, **kwargs)
        found = dist_run.wait_until(
            lambda: re.search(r"waits for hosts at (\S+)\nkey: (\S+) .*\nthere, .*\n", self.err()))
        self.address = found[1]
        self.key = pathlib.Path(found[2])

    def err(self):
        return self.errors.read_text(errors="replace")

    def wait_for(self, words, seconds=20):
        dist_run.wait_until(lambda: words in self.err(), seconds, words)

    def wait(self, timeout=60):
        result = self.live.wait(timeout)
        result.err = self.err()
        return result


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key")


@pytest.fixture
def dial(dist, tmp_path, key):
    started = []

    def start(address, *args, **kwargs):
        started.append(Dialled(dist, tmp_path, address, kwargs.pop("key", key), *args, **kwargs))
        return started[-1]
    yield start
    for host in started:
        host.stop()
        host.process.stdout.close()


@pytest.fixture
def listen(dist, tmp_path, key):
    started = []

    def start(*args, where="127.0.0.1:0", **kwargs):
        env = {"DIST_KEY_FILE": key, **kwargs.pop("env", {})}
        started.append(Waiting(dist, tmp_path, "--listen", where, *args, env=env, **kwargs))
        return started[-1]
    yield start
    for waiting in started:
        if waiting.live.process.poll() is None:
            waiting.live.signal(signal.SIGKILL)
            waiting.live.process.communicate()


class Line:
    """Two network namespaces, `here` and `there`, with a cable between them."""

    HERE, THERE = "10.231.77.1", "10.231.77.2"

    def __init__(self):
        self.here = f"dist-h{os.getpid()}"
        self.there = f"dist-t{os.getpid()}"
        for name in (self.here, self.there):
            self.ip("netns", "add", name)
        self.ip("-n", self.here, "link", "add", "cable", "type", "veth", "peer", "name", "cable",
                "netns", self.there)
        for name, address in ((self.here, self.HERE), (self.there, self.THERE)):
            self.ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            self.ip("-n", name, "link", "set", "cable", "up")
            self.ip("-n", name, "link", "set", "lo", "up")

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def inside(self, name):
        return ("ip", "netns", "exec", name)

    def cut(self):
        """Nothing gets through any more, and nobody is told."""
        for name, peer in ((self.here, self.THERE), (self.there, self.HERE)):
            self.ip("-n", name, "neigh", "replace", peer, "lladdr", "02:00:00:00:00:99", "dev",
                    "cable", "nud", "permanent")

    def remove(self):
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


@pytest.fixture
def line():
    try:
        line = Line()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT TESTED: no network namespace can be made: {error}")
    yield line
    line.remove()
