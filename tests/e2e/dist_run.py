"""Runs the real program in a project of its own and reads what it says.

The program is $DIST, a path, else cli/dist in the runfiles. Every process of a
run inherits a cookie in its environment, by which it is found afterwards.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
import xml.etree.ElementTree as ElementTree

COOKIE = "DIST_E2E"
# pytest, Bazel and the caller's shell must not leak into a run.
FOREIGN = ("PYTEST", "PYTHON", "TEST_", "XML_OUTPUT", "BAZEL", "BUILD_", "RUNFILES",
           "COLUMNS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CI", "VIRTUAL_ENV",
           "COV_", "PY_COLORS", "DIST")
LAST_LINE = re.compile(r"^=* ?(.*) in (\d+\.\d+)s(?: \([\d:]+\))? ?=*$")


def program():
    path = os.path.abspath(os.environ.get("DIST") or "cli/dist")
    assert os.access(path, os.X_OK), f"no dist at {path}\nhelp: set DIST"
    return path


def common_programs():
    """Node programs in folders that all homes share: a host whose own cache lacks
    the program takes it from there."""
    return [path for folder in ("/var/tmp", "/dev/shm")
            for path in pathlib.Path(folder).glob(f"dist-{os.getuid()}/programs/*")]


def environment(cookie, **changes):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(FOREIGN)}
    env.update({COOKIE: cookie, "COLUMNS": "100", "LC_ALL": "C.UTF-8"})
    env.update({name: str(value) for name, value in changes.items()})
    return {name: value for name, value in env.items() if value != "None"}


def processes(cookie):
    """{pid: command line} of the living processes that have the cookie."""
    wanted = f"{COOKIE}={cookie}".encode()
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            folder = pathlib.Path("/proc", entry)
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(entry)] = command.decode(errors="replace")[:200]
    return found


def wait_until(condition, seconds=20, what="condition"):
    """The condition's first true value, polled for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def wait_gone(cookie, seconds=2.0):
    deadline = time.monotonic() + seconds
    while True:
        left = processes(cookie)
        if not left:
            return
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"left behind after {seconds} s: {left}")
        time.sleep(0.02)


def alive(pid):
    """Whether it runs; a zombie does not."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def read_junit(path):
    """{"test_a.TestX::test_y": "passed"}; the outcome of a test that is there
    more than once is a list joined by commas, in order."""
    outcomes = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        outcome = "passed"
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                kind = child.get("type") or ""
                outcome = {"failure": "failed"}.get(child.tag, child.tag)
                outcome = "xfailed" if kind == "pytest.xfail" else outcome
                outcome = kind[5:] if kind.startswith("dist.") else outcome
        outcomes[name] = f"{outcomes[name]},{outcome}" if name in outcomes else outcome
    return outcomes


class Result(str):
    """What a run came to. A string, so that `assert ..., ran` shows all of it: of other things
    pytest shows a short repr."""

    def __new__(cls, status, out, err, seconds, junit):
        self = super().__new__(cls, f"exit status {status} after {seconds:.1f} s\n"
                               f"--- stdout\n{out[-8000:]}\n--- stderr\n{err[-4000:]}")
        self.status = status
        self.out = out
        self.err = err
        self.seconds = seconds
        self.junit = junit
        return self

    @property
    def outcomes(self):
        return read_junit(self.junit)

    @property
    def last(self):
        return ([line for line in self.out.splitlines() if line.strip()] or [""])[-1]

    @property
    def counts(self):
        """{"passed": 2, "failed": 1} from the last line; {} for none."""
        found = LAST_LINE.match(self.last)
        assert found, f"no summary in the last line: {self}"
        if found.group(1) == "no tests ran":
            return {}
        words = dict(reversed(word.split(" ", 1)) for word in found.group(1).split(", "))
        return {word.replace("errors", "error").replace("warnings", "warning"): int(n)
                for word, n in words.items()}


class Live:
    """A run that goes on."""

    def __init__(self, project, command, env, **kwargs):
        self.project = project
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL,
            **{"cwd": project.folder, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, **kwargs})

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=60):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(
                f"did not end within {timeout} s\n{out.decode()}\n{err.decode()}")
        return Result(self.process.returncode, (out or b"").decode(errors="replace"),
                      (err or b"").decode(errors="replace"),
                      time.monotonic() - self.started, self.project.junit)


class Project:
    """A folder with tests, and dist and pytest to run them."""

    def __init__(self, folder):
        self.folder = folder / "project"
        self.folder.mkdir()
        self.junit = str(folder / "dist.xml")
        self.home = folder / "own-home"  # Nothing is left in the user's.
        self.home.mkdir()
        self.cookie = uuid.uuid4().hex

    def __truediv__(self, name):
        return self.folder / name

    def write(self, files=None, **tests):
        """Writes files {path: text}; tests={name: text} are test_NAME.py."""
        named = {f"test_{name}.py": text for name, text in tests.items()}
        for path, text in {**(files or {}), **named}.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def read(self, name):
        try:
            return (self.folder / name).read_text()
        except FileNotFoundError:
            return ""

    def wait_for(self, name, seconds=20):
        """The lines of a file, as soon as it has one."""
        text = wait_until(lambda: self.read(name).endswith("\n") and self.read(name),
                          seconds, name)
        return text.splitlines()

    def start(self, *args, env=None, **kwargs):
        pathlib.Path(self.junit).unlink(missing_ok=True)
        command = [program(), f"--junitxml={self.junit}", *map(str, args)]
        return Live(self, command, environment(
            self.cookie, **{"HOME": self.home, "XDG_CACHE_HOME": None, **(env or {})}), **kwargs)

    def run(self, *args, timeout=60, env=None, **kwargs):
        return self.start(*args, env=env, **kwargs).wait(timeout)

    def pytest(self, *args, junit=None, env=None):
        """Plain pytest, without a trace in the folder."""
        where = [f"--junitxml={junit}"] if junit else []
        env = environment("", PYTHONDONTWRITEBYTECODE=1, **(env or {}))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *where, *map(str, args)],
            cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return Result(done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"), 0, junit)
