"""The memory that a sync takes at most, for //bench:sync --memory: of the coordinator, and of each node."""

import itertools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HOSTS = [1, 4]
WORDS = """adapter archive backend benchmark cache codec command common config connection constants context
converter cursor decorator driver encoder engine exceptions factory fixture formatter generator handler helpers
index inspector integration loader locale manager mapping metadata middleware migration model operations optimizer
package parser pipeline plugin policy printer protocol provider query reader registry renderer request resolver
response router runtime scanner schema serializer server session settings storage stream structures support table
template testing token transform typing utilities validator vendor version visitor warnings widget wrapper writer
""".split()


def make_tree(folder, count):
    """Files in packages in packages, whose paths are 40 to 80 bytes long; and one test."""
    noise = random.Random(1)
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/test_it.py").write_text("def test_it():\n    pass\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    made = 0
    for package in itertools.count():
        top = folder / f"lib/site-packages/{noise.choice(WORDS)}_{package}"
        for inner in range(25):
            path = top / noise.choice(WORDS) / f"{noise.choice(WORDS)}_{inner}"
            path.mkdir(parents=True)
            for file in range(40):
                if made == count:
                    return
                name = f"{noise.choice(['', 'test_', '_'])}{noise.choice(WORDS)}_{file}.py"
                (path / name).write_text(f"NAME = {made}\n" + "pass\n" * noise.randrange(20))
                made += 1


class Peaks(threading.Thread):
    """Watches a process and all its descendants until it ends."""

    def __init__(self, process):
        super().__init__()
        self.process = process
        self.own = 0
        self.nodes = {}
        self.start()

    def _descendants(self):
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    parents[int(pid)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
        found = {self.process.pid}
        while True:
            more = {pid for pid, parent in parents.items() if parent in found} - found
            if not more:
                return found - {self.process.pid}
            found |= more

    @staticmethod
    def _peak(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)

    @staticmethod
    def _is_node(pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"\0node\0" in file.read()

    def run(self):
        while self.process.poll() is None:
            try:
                self.own = max(self.own, self._peak(self.process.pid))
                for pid in self._descendants():
                    # A process that a node forks is called a node, too, until it is something else.
                    if self._is_node(pid):
                        self.nodes[pid] = max(self.nodes.get(pid, 0), self._peak(pid))
            except (OSError, ValueError):
                pass  # It has just ended.
            time.sleep(0.005)


class World:
    def __init__(self, dist, folder, count):
        self.dist = dist
        self.folder = folder
        self.source = folder / "source"
        self.homes = []
        (folder / "mine").mkdir()
        make_tree(self.source, count)

    def run(self, hosts):
        """(MB of the coordinator, MB of the largest node, seconds)"""
        while len(self.homes) < hosts:
            home = self.folder / f"home{len(self.homes)}"
            home.mkdir()
            self.homes.append(home)
        command = [self.dist, "-q", "--rootdir", ".", "--rsyncdir", "."]
        for home in self.homes[:hosts]:
            command += ["--tx", f"exec=env HOME={home} sh//python=/usr/bin/python3"]
        began = time.monotonic()
        with open(self.folder / "said", "w+", encoding="utf-8") as said:
            process = subprocess.Popen(
                [*command, "tests"], cwd=self.source, stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.folder / "mine")})
            peaks = Peaks(process)
            peaks.join()
            if process.returncode != 0 or len(peaks.nodes) < hosts:
                said.seek(0)
                sys.exit(f"exit status {process.returncode}\n{said.read()}")
        return peaks.own / 1024, max(peaks.nodes.values()) / 1024, time.monotonic() - began

    def forget(self):
        """As if nothing had ever been synced; the program stays."""
        for home in self.homes:
            for name in ("trees", "store"):
                shutil.rmtree(home / ".cache/dist" / name, ignore_errors=True)

    def modules(self):
        return sorted(self.source.glob("lib*/**/*.py"))

    def change(self, what):
        if what == "cold":
            self.forget()
        elif what == "one change":
            self.modules()[777].write_text(f"changed {time.time()}")
        elif what == "all over":
            for path in self.modules()[::50]:
                path.write_text(f"changed {time.time()} {path}")
        elif what == "touched":
            now = time.time()
            for path in self.modules():
                os.utime(path, (now, now))
        elif what == "100 deleted":
            for path in random.Random(time.time()).sample(self.modules(), 100):
                path.unlink()
        elif what == "folder renamed":
            package = min(self.source.glob("lib*/site-packages/*"))
            package.rename(package.with_name("zz" + package.name))
        elif what == "all renamed":
            lib = next(path for path in self.source.iterdir() if path.name.startswith("lib"))
            lib.rename(lib.with_name(lib.name + "-new"))
        elif what == "other project":
            self.source = self.source.rename(self.source.with_name(self.source.name + "s"))


WHATS = ["cold", "unchanged", "one change", "all over", "touched", "100 deleted", "folder renamed",
         "all renamed", "other project"]


def measure(dist, count, whats=tuple(WHATS)):
    print(f"{count} files, load {os.getloadavg()[0]:.1f}\n\n| hosts | what | node MB | dist MB | s |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="dist_bench_") as folder:
        world = World(dist, pathlib.Path(folder), count)
        for hosts in HOSTS:
            if "cold" not in whats:
                world.run(hosts)
            for what in whats:
                world.change(what)
                own, node, seconds = world.run(hosts)
                print(f"| {hosts} | {what} | {node:.1f} | {own:.1f} | {seconds:.1f} |", flush=True)
