"""The node's side of the pytest plugin, for tests against real pytest processes (docs/plugin-records.md).

Every wait is for a record or for the process to end, bounded by DEADLINE.
"""
import contextlib
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys

import pytest

DEADLINE = 30
ROOT = pathlib.Path(__file__).absolute().parents[3]
PLUGIN_DIR = pathlib.Path(os.environ.get("DIST_PLUGIN_DIR") or ROOT / "core" / "framework")

# Of the run that tests this file, not of the runs that it starts.
INHERITED = ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_PLUGINS", "PYTEST_VERSION", "COV_CORE_SOURCE")

# For `env`: load the plugins that are installed. They make a start several times as long, so few tests do.
WITH_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}


def clean_environment(**changes):
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    return {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", **changes}


PYTEST = tuple(int(number) for number in re.findall(r"\d+", pytest.__version__)[:2])


class Record:
    def __init__(self, kind, payload):
        self.kind = kind
        self.payload = payload

    @property
    def json(self):
        if self.kind in "TO":
            return json.loads(self.payload[4:])
        return json.loads(self.payload)

    @property
    def numbers(self):
        return [number for (number,) in struct.iter_unpack("<I", self.payload)]

    @property
    def position(self):
        return struct.unpack_from("<I", self.payload)[0]

    def __repr__(self):
        return "%s%r" % (self.kind, self.payload[:200])


class Worker:
    """The node's side of one worker process."""

    def __init__(self, directory, *args, env=None, settings=None, boot=None):
        self.directory = directory
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE)
        self.socket = ours
        self.output = open(str(directory) + ".out", "w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-c", boot or (PLUGIN_DIR / "pytest_boot.py").read_text(), str(theirs.fileno())],
            cwd=directory,
            env=clean_environment(PYTEST_XDIST_WORKER="gw0", **(env or {})),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        theirs.close()
        source = (PLUGIN_DIR / "pytest_plugin.py").read_bytes()
        configuration = {
            "args": list(args),
            "workerinput": {"workerid": "gw0", "workercount": 2, "testrunuid": "run-1", "mainargv": ["dist"]},
            "color": False,
            "columns": 80,
            "report_log": False,
            "passed_sections": False,
            "collect_only": False,
            "basetemp": None,
            "maxfail": 0,
        }
        configuration.update(settings or {})
        # A boot that cannot go on has said why, and may be gone before it was sent all.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(struct.pack("<I", len(source)) + source)
            self.send("C", json.dumps(configuration).encode())
        self.records = []
        self.ids = []
        self.head = None
        self.captures = []  # Descriptors of the files that pytest captures in.
        self._input = b""

    def send(self, kind, payload=b""):
        self.socket.sendall(struct.pack("<IB", len(payload) + 1, ord(kind)) + payload)

    def run(self, *positions, lease=7):
        self.send("R", struct.pack("<%dI" % (len(positions) + 1), lease, *positions))

    def revoke(self, *positions):
        self.send("V", struct.pack("<%dI" % len(positions), *positions))

    def finish(self):
        self.send("F")

    def next(self):
        """The next record, or None at the end of the stream."""
        while len(self._input) < 4 or len(self._input) < 4 + struct.unpack_from("<I", self._input)[0]:
            try:
                data, captures, _, _ = socket.recv_fds(self.socket, 1 << 20, 8)
                self.captures += captures
            except ConnectionResetError:
                data = b""
            if not data:
                assert self._input == b"", "the stream ended inside a record"
                return None
            self._input += data
        (length,) = struct.unpack_from("<I", self._input)
        record = Record(chr(self._input[4]), self._input[5 : 4 + length])
        self._input = self._input[4 + length :]
        if record.kind == "K":  # Not one of the session's events.
            assert not record.payload
            return self.next()
        self.records.append(record)
        if record.kind == "L":
            (size,) = struct.unpack_from("<I", record.payload)
            self.head = json.loads(record.payload[4 : 4 + size])
            if self.head["count"]:
                self.ids += record.payload[4 + size :].decode().split("\0")
        return record

    def until(self, kind):
        """The next record of that kind; all before it are kept in `records`."""
        while True:
            record = self.next()
            assert record is not None, "no %s: %r\n%s" % (kind, self.records, self.text())
            if record.kind == kind:
                return record

    def until_end(self):
        while self.next() is not None:
            pass
        self.process.wait(DEADLINE)
        return self

    def all(self, kind):
        return [record for record in self.records if record.kind == kind]

    def reports(self, kind="T"):
        return [record.json for record in self.all(kind)]

    def kinds(self):
        return "".join(record.kind for record in self.records)

    @property
    def end(self):
        return self.all("Z")[-1].json

    def text(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def close(self):
        self.socket.close()
        for fd in self.captures:
            os.close(fd)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.output.close()
