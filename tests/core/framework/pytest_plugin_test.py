"""The pytest plugin against real pytest processes: this file plays the node (docs/plugin-records.md).

Run as `python3 -m pytest -q tests/core/framework/pytest_plugin_test.py`. Every wait is for a record or for the process to end,
bounded by DEADLINE.
"""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import textwrap

import pytest

DEADLINE = 30
ROOT = pathlib.Path(__file__).absolute().parents[3]
PLUGIN_DIR = pathlib.Path(os.environ.get("DIST_PLUGIN_DIR") or ROOT / "core" / "framework")

# Of the run that tests this file, not of the runs that it starts.
INHERITED = ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_PLUGINS", "COV_CORE_SOURCE")


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

    def __init__(self, directory, *args, env=None, python="/usr/bin/python3", settings=None, boot=None):
        self.directory = directory
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE)
        self.socket = ours
        environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
        environment.update(PYTEST_XDIST_WORKER="gw0", PYTHONDONTWRITEBYTECODE="1", **(env or {}))
        self.output = open(str(directory) + ".out", "w+b")
        self.process = subprocess.Popen(
            [python, "-c", boot or (PLUGIN_DIR / "pytest_boot.py").read_text(), str(theirs.fileno())],
            cwd=directory,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        theirs.close()
        source = (PLUGIN_DIR / "pytest_plugin.py").read_bytes()
        self.socket.sendall(struct.pack("<I", len(source)) + source)
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
        self.send("C", json.dumps(configuration).encode())
        self.records = []
        self.ids = []
        self.head = None
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
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                assert self._input == b"", "the stream ended inside a record"
                return None
            self._input += data
        (length,) = struct.unpack_from("<I", self._input)
        record = Record(chr(self._input[4]), self._input[5 : 4 + length])
        self._input = self._input[4 + length :]
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
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.output.close()


@pytest.fixture
def suite(tmp_path):
    """Writes files into a fresh directory and returns it."""
    directory = tmp_path / "suite"
    directory.mkdir()
    (directory / "pytest.ini").write_text("[pytest]\n")

    def write(**files):
        for name, text in files.items():
            path = directory / (name.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return directory

    return write


@pytest.fixture
def start(suite):
    """Starts workers and ends them with the test."""
    workers = []

    def launch(*args, python="/usr/bin/python3", settings=None, env=None, **files):
        directory = suite(**files)
        worker = Worker(directory, "-p", "no:cacheprovider", *args, settings=settings, env=env, python=python)
        workers.append(worker)
        return worker

    yield launch
    for worker in workers:
        worker.close()


@pytest.fixture
def run(start):
    """Runs everything that a worker collects in one lease, and returns the ended worker."""

    def whole(*args, **files):
        worker = start(*args, **files)
        while True:
            record = worker.next()
            if record is None or record.kind == "Z":
                break
            if record.kind == "L":
                worker.run(*range(len(worker.ids)))
                worker.finish()
        return worker.until_end()

    return whole


def test_plain_passes_cost_no_json_and_arrive_in_order(run):
    worker = run(test_a="def test_1(): pass\ndef test_2(): pass")
    assert worker.kinds() == "HLSDSDZ"
    assert worker.ids == ["test_a.py::test_1", "test_a.py::test_2"]
    assert [record.numbers[:2] for record in worker.all("D")] == [[0, 7], [1, 7]]
    assert worker.end == {"exitstatus": 0, "reason": "", "shouldfail": "", "shouldstop": ""}
    assert worker.process.returncode == 0
    assert worker.text() == ""


def test_hello_describes_the_interpreter(run):
    worker = run(test_a="def test_1(): pass", conftest="def pytest_report_header(config): return 'db: sqlite'")
    hello = worker.records[0].json
    assert hello["pytest"] == pytest.__version__
    assert hello["pid"] == worker.process.pid
    assert hello["rootdir"] == str(worker.directory)
    assert hello["inifile"] == str(worker.directory / "pytest.ini")
    assert hello["header"] == ["db: sqlite"]
    assert any(name.startswith("xdist-") for name in hello["plugins"])


def test_durations_are_those_of_the_phases(run):
    worker = run(
        test_a="""
        import time, pytest
        @pytest.fixture
        def slow():
            time.sleep(0.02)
            yield
            time.sleep(0.03)
        def test_1(slow): time.sleep(0.01)
        """
    )
    setup, call, teardown = worker.all("D")[0].numbers[2:]
    assert 20000 <= setup < 2000000 and 10000 <= call < 2000000 and 30000 <= teardown < 2000000


SCOPES = """
    import pytest
    def log(text):
        with open("log.txt", "a") as out: out.write(text + "\\n")
    @pytest.fixture(scope="session")
    def ses():
        log("+ses"); yield; log("-ses")
    @pytest.fixture(scope="module")
    def mod(request):
        log("+mod " + request.module.__name__); yield; log("-mod " + request.module.__name__)
    @pytest.fixture(scope="class")
    def cla(): log("+cla"); yield; log("-cla")
    @pytest.fixture
    def fun(): log("+fun"); yield; log("-fun")
"""
SCOPED_TESTS = """
    from conftest import log
    def setup_module(): log("setup_module " + __name__)
    def teardown_module(): log("teardown_module " + __name__)
    class TestC:
        def test_1(self, ses, mod, cla, fun): log("1")
        def test_2(self, ses, mod, cla, fun): log("2")
    def test_3(mod, fun): log("3")
"""


@pytest.mark.parametrize("leases", [[[0, 1, 2, 3, 4, 5]], [[0], [1], [2], [3], [4], [5]], [[0, 1], [2, 3, 4], [5]]])
def test_fixtures_live_as_long_as_in_plain_pytest_whatever_the_leases(start, suite, leases):
    directory = suite(conftest=SCOPES, test_a=SCOPED_TESTS, test_b=SCOPED_TESTS)
    subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=directory, check=True, stdout=-3)
    expected = (directory / "log.txt").read_text()
    (directory / "log.txt").unlink()
    worker = start()
    worker.until("L")
    for lease in leases:
        worker.run(*lease)
        for _ in lease:
            worker.until("D")  # So that the worker is parked before the next lease.
    worker.finish()
    worker.until_end()
    assert worker.end["exitstatus"] == 0
    assert (directory / "log.txt").read_text() == expected


FAILING_MODULE_TEARDOWN = """
    import pytest
    @pytest.fixture(scope="module")
    def mod():
        yield
        print("going down")
        assert 0, "teardown of mod"
    def test_1(mod): pass
"""


def test_parked_teardown_failure_is_told_after_the_tests_end(start):
    worker = start(test_a=FAILING_MODULE_TEARDOWN, test_b="def test_2(): pass")
    worker.until("L")
    worker.run(0)
    worker.until("D")
    worker.run(1)
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLSDOSDZ"
    (report,) = worker.reports("O")
    assert worker.all("O")[0].position == 0
    assert (report["nodeid"], report["when"], report["category"]) == ("test_a.py::test_1", "teardown", "error")
    assert report["crash"]["message"].startswith("AssertionError: teardown of mod")
    assert ["Captured stdout teardown", "going down\n"] in report["sections"]
    assert worker.end["exitstatus"] == 1


def test_parked_teardown_failure_at_the_end(start):
    worker = start(test_a=FAILING_MODULE_TEARDOWN)
    worker.until("L")
    worker.run(0)
    worker.until("D")
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLSDOZ"
    assert worker.end["exitstatus"] == 1


def test_teardown_with_a_known_successor_is_the_tests_own_phase(run):
    worker = run(test_a=FAILING_MODULE_TEARDOWN, test_b="def test_2(): pass")
    assert worker.kinds() == "HLSTDSDZ"
    assert worker.reports()[0]["when"] == "teardown"


def test_revoked_tests_do_not_run_and_fixtures_follow(start):
    worker = start(
        test_a="""
        import pytest
        def test_0():
            open("ready", "w").close()
            open("go").close()
        @pytest.mark.parametrize("n", range(3))
        def test_n(n): pass
        """,
        test_b="def test_b(): pass",
    )
    for name in ("ready", "go"):
        os.mkfifo(worker.directory / name)
    worker.until("L")
    worker.run(0, 1, 2, 3)
    open(worker.directory / "ready").close()  # test_0 runs.
    worker.revoke(1, 3, 99)
    worker.run(4)
    worker.finish()
    open(worker.directory / "go", "w").close()
    worker.until_end()
    assert sorted(worker.all("v")[0].numbers) == [1, 3]
    assert [record.position for record in worker.all("S")] == [0, 2, 4]
    assert worker.end["exitstatus"] == 0


def test_the_same_test_can_run_again(start):
    worker = start(
        test_a="""
        import pytest
        @pytest.fixture
        def fixture():
            yield
            print("down")
        def test_1(fixture, record_property):
            record_property("a", 1)
            print("up")
            assert 0
        """
    )
    worker.until("L")
    worker.run(0, 0)
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLSTDSTDZ" or worker.kinds() == "HLSTTDSTTDZ"
    first, second = [report for report in worker.reports() if report["when"] == "call"]
    assert first["sections"] == second["sections"]
    assert first["properties"] == second["properties"] == [["a", "1"]]


def test_standard_descriptors_closed_and_all_low_ones_flooded(run):
    worker = run(
        "-s",
        test_a="""
        import os
        def test_flood():
            for fd in range(256):
                try: os.write(fd, b"garbage" * 1000)
                except OSError: pass
        def test_close():
            os.closerange(0, 3)
        def test_after(): pass
        """,
    )
    assert worker.kinds() == "HLSDSDSDZ"


def test_control_descriptor_is_high_and_not_inherited(run):
    worker = run(
        test_a="""
        import os, stat, subprocess, sys
        def is_socket(fd):
            try: return stat.S_ISSOCK(os.fstat(fd).st_mode)
            except OSError: return False
        def test_1():
            sockets = [int(fd) for fd in os.listdir("/proc/self/fd") if is_socket(int(fd))]
            assert sockets and min(sockets) >= 100
            child = "import os; print([f for f in os.listdir('/proc/self/fd') if int(f) >= 100])"
            assert subprocess.check_output([sys.executable, "-c", child], close_fds=False) == b"[]\\n"
        """
    )
    assert worker.kinds() == "HLSDZ", worker.reports()


def test_children_that_fall_out_of_a_test_write_no_record(run):
    worker = run(
        test_a="""
        import os, sys
        def test_returns():
            pid = os.fork()
            if pid: assert os.waitpid(pid, 0)[1] == 0
        def test_exits():
            pid = os.fork()
            if not pid: sys.exit(3)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
        def test_fails():
            pid = os.fork()
            assert pid
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
        """
    )
    assert worker.kinds() == "HLSDSDSDZ", worker.reports()


def test_what_was_told_before_a_crash_arrives(run):
    worker = run(test_a="import os\ndef test_1(): assert 0\ndef test_2(): os._exit(0)\ndef test_3(): pass")
    assert worker.kinds() == "HLSTDS"


@pytest.mark.parametrize(
    "code, status, reason",
    [("pytest.exit('enough')", 2, "enough"), ("pytest.exit('seven', 7)", 7, "seven")],
)
def test_exit_in_a_test_ends_the_session(run, code, status, reason):
    worker = run(test_a="import pytest\ndef test_1(): %s\ndef test_2(): pass" % code)
    assert worker.kinds() == "HLSZ"
    assert (worker.end["exitstatus"], worker.end["reason"]) == (status, reason)
    assert worker.process.returncode == status


def test_keyboard_interrupt_in_a_test(run):
    worker = run(test_a="def test_1(): raise KeyboardInterrupt\ndef test_2(): pass")
    assert worker.kinds() == "HLSZ"
    assert worker.end["exitstatus"] == 2 and worker.end["reason"] == "KeyboardInterrupt"


def test_sigint_while_parked_tears_down_and_ends(start):
    worker = start(
        test_a="""
        import pytest
        @pytest.fixture(scope="module")
        def mod():
            yield
            open("down", "w").close()
        def test_1(mod): pass
        """
    )
    worker.until("L")
    worker.run(0)
    worker.until("D")
    worker.process.send_signal(signal.SIGINT)
    worker.until_end()
    assert worker.end["exitstatus"] == 2
    assert (worker.directory / "down").exists()


def test_node_gone_ends_the_process(start):
    worker = start(test_a="def test_1(): pass")
    worker.until("L")
    worker.socket.close()
    assert worker.process.wait(DEADLINE) == 1


@pytest.mark.parametrize("attribute, status", [("shouldstop", 2), ("shouldfail", 1)])
def test_stop_asked_by_a_test(run, attribute, status):
    worker = run(
        test_a="""
        import pytest
        @pytest.fixture(scope="module")
        def mod():
            yield
            assert 0
        def test_1(request, mod): request.session.%s = "why"
        def test_2(mod): pass
        """
        % attribute
    )
    assert worker.kinds() == "HLSDOZ"
    assert worker.end["exitstatus"] == status
    assert worker.end[attribute] == "why"


@pytest.mark.parametrize("maxfail, ran", [(0, 3), (1, 1), (2, 2)])
def test_maxfail_is_the_nodes_to_set(run, maxfail, ran):
    failing = "def test_1(): assert 0\ndef test_2(): assert 0\ndef test_3(): assert 0"
    worker = run("-x", settings={"maxfail": maxfail}, test_a=failing)
    assert len(worker.all("D")) == ran


def test_failing_sessionfinish_is_never_a_false_green(run):
    worker = run(test_a="def test_1(): pass", conftest="def pytest_sessionfinish(): raise ValueError('no end')")
    assert worker.kinds() == "HLSDXZ"
    assert "ValueError: no end" in worker.all("X")[0].json["text"]
    assert worker.end["exitstatus"] == 3


def test_internal_error(run):
    worker = run(test_a="def test_1(): pass", conftest="def pytest_runtest_protocol(): raise ValueError('broken')")
    assert worker.kinds() == "HLSXZ"
    assert "ValueError: broken" in worker.all("X")[0].json["text"]
    assert worker.end["exitstatus"] == 3


@pytest.mark.parametrize(
    "args, text",
    [(["nowhere.py"], "nowhere.py"), (["--no-such-option"], "--no-such-option"), (["-c", "broken.ini"], "broken.ini")],
)
def test_usage_errors(start, suite, args, text):
    (suite() / "broken.ini").write_text("pytest\n")
    worker = start(*args, test_a="def test_1(): pass")
    worker.until_end()
    (usage,) = worker.all("U")
    assert text in usage.json["text"]
    assert usage.json["status"] == worker.end["exitstatus"] == worker.process.returncode == 4


def test_conftest_that_cannot_be_imported(run):
    worker = run(conftest="import nothing_of_that_name", test_a="def test_1(): pass")
    assert worker.kinds() == "UZ"
    usage = worker.records[0].json
    assert usage["status"] == 4 and "No module named 'nothing_of_that_name'" in usage["text"]


def test_exit_while_collecting(run):
    worker = run(conftest="import pytest\ndef pytest_collection(): pytest.exit('no', 9)", test_a="")
    assert worker.kinds() == "HUZ"
    assert worker.all("U")[0].json == {"text": "Exit: no", "status": 9}


def test_collection_errors_do_not_keep_the_rest_from_running(run):
    worker = run(
        test_a="assert 0, 'at import'",
        test_b="import pytest\npytest.skip('not here', allow_module_level=True)",
        test_c="def test_1(): pass",
    )
    assert worker.kinds() == "HEELSDZ"
    failed, skipped = worker.reports("E")
    assert (failed["nodeid"], failed["when"], failed["category"]) == ("test_a.py", "collect", "error")
    assert "at import" in failed["block"]
    assert (skipped["category"], skipped["reason"]) == ("skipped", "not here")
    assert skipped["crash"] == {"path": "test_b.py", "line": 2, "message": "Skipped: not here"}
    assert worker.end["exitstatus"] == 1


def test_nothing_collected(run):
    worker = run(test_a="")
    assert worker.kinds() == "HLZ" and worker.ids == []
    assert worker.end["exitstatus"] == 5


def test_collect_only_deselected_groups_and_odd_ids(start):
    worker = start(
        "-k",
        "not gone",
        settings={"collect_only": True},
        test_a=r"""
        import pytest
        @pytest.mark.xdist_group("b")
        class TestG:
            @pytest.mark.xdist_group(name="a")
            def test_two(self): pass
            @pytest.mark.xdist_group
            def test_bare(self): pass
        @pytest.mark.parametrize("x", [pytest.param(0, id="nul\0"), pytest.param(1, id="\ud800")])
        def test_odd(x): pass
        def test_gone(): pass
        """,
    )
    worker.until_end()
    assert worker.kinds() == "HLZ"
    assert worker.head["deselected"] == 1
    assert worker.head["groups"] == {"0": "a_b", "1": "b_default"}
    assert worker.ids[:2] == ["test_a.py::TestG::test_two", "test_a.py::TestG::test_bare"]
    assert worker.ids[2:] == ["test_a.py::test_odd[nul\\x00]", "test_a.py::test_odd[\\ud800]"]
    assert worker.end["exitstatus"] == 0


def test_duplicate_ids_are_listed_twice(run):
    worker = run("--keep-duplicates", "test_a.py", "test_a.py", test_a="def test_1(): pass")
    assert worker.ids == ["test_a.py::test_1"] * 2
    assert len(worker.all("D")) == 2


OUTCOMES = """
    import pytest
    def test_fail():
        print("said")
        assert 1 == 2
    @pytest.mark.skip(reason="mark")
    def test_skip(): pass
    def test_skip_call(): pytest.skip("call")
    @pytest.mark.xfail(reason="known")
    def test_xfail(): assert 0
    @pytest.mark.xfail(reason="fixed")
    def test_xpass(): pass
    @pytest.mark.xfail(strict=True, reason="strict")
    def test_strict(): pass
    @pytest.fixture
    def broken(): assert 0, "set-up"
    def test_error(broken): pass
"""


def test_outcomes(run):
    worker = run(test_a=OUTCOMES)
    by_name = {report["nodeid"].split("::")[1]: report for report in worker.reports()}
    told = {
        name: (report["when"], report["outcome"], report["category"], report["letter"], report["word"], report["reason"])
        for name, report in by_name.items()
    }
    assert told == {
        "test_fail": ("call", "failed", "failed", "F", "FAILED", ""),
        "test_skip": ("setup", "skipped", "skipped", "s", "SKIPPED", "mark"),
        "test_skip_call": ("call", "skipped", "skipped", "s", "SKIPPED", "call"),
        "test_xfail": ("call", "skipped", "xfailed", "x", "XFAIL", "known"),
        "test_xpass": ("call", "passed", "xpassed", "X", "XPASS", "fixed"),
        "test_strict": ("call", "failed", "failed", "F", "FAILED", ""),
        "test_error": ("setup", "failed", "error", "E", "ERROR", ""),
    }
    assert by_name["test_skip_call"]["crash"] == {"path": "test_a.py", "line": 8, "message": "Skipped: call"}
    assert by_name["test_xfail"]["wasxfail"] == "known" and by_name["test_fail"]["wasxfail"] is None
    assert by_name["test_fail"]["crash"]["line"] == 5
    assert by_name["test_fail"]["location"] == ["test_a.py", 3, "test_fail"]
    assert by_name["test_fail"]["sections"] == [["Captured stdout call", "said\n"]]
    assert len(worker.all("D")) == 7


@pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native", "no"])
@pytest.mark.parametrize("capture", ["all", "no"])
def test_blocks_are_what_pytest_prints(run, suite, style, capture):
    args = ["--tb=" + style, "--show-capture=" + capture]
    worker = run(*args, test_a=OUTCOMES)
    plain = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-r", "N", *args]
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    environment["COLUMNS"] = "80"
    printed = subprocess.run(plain, cwd=worker.directory, env=environment, stdout=subprocess.PIPE).stdout.decode()
    reports = {(report["category"], report["nodeid"]): report["block"] for report in worker.reports()}
    blocks = [reports["error", "test_a.py::test_error"]]
    blocks += [reports["failed", "test_a.py::test_" + name] for name in ("fail", "strict")]
    # The first line of the output is the tests' letters, the last the summary; titles are made of underscores or equal signs.
    body = "\n".join(printed.split("\n")[1:-2] or [""])
    titles = r"(?:_{3,} .* _{3,}|={3,} .* ={3,})\n"
    assert "".join(blocks) == re.sub(titles, "", body + "\n" if body else "")


def test_colour_if_asked_for(run):
    worker = run(settings={"color": True}, test_a="def test_1(): assert 0")
    (report,) = worker.reports()
    assert "\x1b[" in report["block"] and "\x1b[" not in report["longrepr"]


def test_properties_and_sections_of_passed_tests(run):
    source = """
        class Odd:
            def __str__(self): raise ValueError
        def test_1(record_property):
            record_property("n", 1)
            record_property("odd", Odd())
            record_property("bad", "\\ud800")
            print("out")
    """
    worker = run(test_a=source)
    assert worker.kinds() == "HLSTDZ"
    assert worker.reports()[0]["properties"] == [
        ["n", "1"],
        ["odd", "<Odd whose str() raised ValueError>"],
        ["bad", "\\ud800"],
    ]
    worker = run(settings={"passed_sections": True}, test_a="def test_1(): print('out')\ndef test_2(): pass")
    assert worker.kinds() == "HLSTDSDZ"
    assert worker.reports()[0]["sections"] == [["Captured stdout call", "out\n"]]


def test_long_text_is_cut(run):
    worker = run(test_a="def test_1():\n    print('x' * (3 << 20))\n    assert 0")
    ((_, text),) = worker.reports()[0]["sections"]
    assert len(text) < (1 << 20) + 100 and "dist cut 2097153 bytes" in text


def test_warnings(run):
    worker = run(test_a="import warnings\ndef test_1(): warnings.warn('old', DeprecationWarning)")
    (warning,) = [record.json for record in worker.all("W")]
    filename = str(worker.directory / "test_a.py")
    assert warning == {
        "message": "old",
        "category": "DeprecationWarning",
        "filename": filename,
        "lineno": 2,
        "when": "runtest",
        "nodeid": "test_a.py::test_1",
    }


def test_report_log(run):
    source = "import warnings\ndef test_1(record_property):\n    warnings.warn('w')\n    record_property('o', object())"
    worker = run(settings={"report_log": True}, test_a=source)
    entries = [record.json for record in worker.all("J")]
    types = [entry["$report_type"] for entry in entries]
    assert types == ["CollectReport"] * 2 + ["TestReport"] * 3 + ["WarningMessage"]
    assert entries[4]["user_properties"][0][1].startswith("<object object")
    assert "".join(sorted(worker.kinds())) == "DHJJJJJJLSTWZ"


def test_own_words_for_passed_tests(run):
    conftest = "def pytest_report_teststatus(report):\n    if report.when == 'call': return 'passed', 'p', ('FINE', {})"
    worker = run(conftest=conftest, test_a="def test_1(): pass")
    (report,) = worker.reports()
    assert (report["category"], report["letter"], report["word"]) == ("passed", "p", "FINE")


def test_own_runtest_protocol(run):
    conftest = """
        from _pytest.runner import runtestprotocol
        def pytest_runtest_protocol(item, nextitem):
            for attempt in range(2):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                if attempt or not any(report.failed for report in reports): break
                for report in reports:
                    if report.failed: report.outcome = "rerun"
                    item.ihook.pytest_runtest_logreport(report=report)
            for report in reports: item.ihook.pytest_runtest_logreport(report=report)
            return True
    """
    worker = run(conftest=conftest, test_a="tries = []\ndef test_1():\n    tries.append(1)\n    assert len(tries) > 1")
    assert worker.kinds() == "HLSTDZ"
    assert worker.reports()[0]["outcome"] == "rerun"
    assert worker.end["exitstatus"] == 0


AS_UNDER_XDIST = """
    import os, sys
    def test_1(worker_id, testrun_uid, request):
        config = request.config
        assert (worker_id, testrun_uid) == ("gw0", "run-1")
        assert config.workerinput["workerid"] == os.environ["PYTEST_XDIST_WORKER"]
        assert config.workeroutput == {}
        assert sys.argv == ["-c"]
        assert sys.path[0] == os.getcwd() or os.getcwd() in sys.path
        assert config.getoption("dist") == "no" and not config.getoption("tx")
        assert any(line.startswith("xdist_group") for line in config.getini("markers"))
        assert config.pluginmanager.get_plugin("dsession") is None
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_sep("=", "nobody sees this")
        config.get_terminal_writer().line("nor this")
"""
XDIST_CONFTEST = """
    import os
    assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"
    def pytest_load_initial_conftests(early_config): pass
    def pytest_cmdline_main(config): assert config.workerinput["workerid"] == "gw0"
    def pytest_configure(config): assert config.workerinput["workercount"] == 2
    def pytest_configure_node(node): pass
    def pytest_testnodeready(node): pass
    def pytest_testnodedown(node, error): pass
    def pytest_xdist_setupnodes(config, specs): pass
    def pytest_xdist_newgateway(gateway): pass
    def pytest_xdist_getremotemodule(): pass
    def pytest_xdist_node_collection_finished(node, ids): pass
    def pytest_xdist_make_scheduler(config, log): pass
    def pytest_xdist_auto_num_workers(config): return 3
    def pytest_handlecrashitem(crashitem, report, sched): pass
"""


@pytest.mark.parametrize("without", [[], ["-p", "no:xdist"]], ids=["with-xdist", "without-xdist"])
def test_the_world_is_as_under_xdist(run, suite, without):
    (suite() / "pytest.ini").write_text("[pytest]\naddopts = -n 4 --dist load --maxfail 3\nrsyncdirs = .\n")
    uses = "" if without else "\n    import xdist\n    def test_2(request): assert xdist.is_xdist_worker(request)\n"
    worker = run("--strict-markers", *without, conftest=XDIST_CONFTEST, test_a=AS_UNDER_XDIST + uses)
    assert not worker.all("T"), worker.reports()
    assert worker.end["exitstatus"] == 0
    assert "nobody sees this" not in worker.text()


def test_basetemp(run, tmp_path):
    base = tmp_path / "new" / "base"
    worker = run(settings={"basetemp": str(base)}, test_a="def test_1(tmp_path): (tmp_path / 'f').write_text('')")
    assert worker.end["exitstatus"] == 0
    assert list(base.glob("test_1*/f"))


def test_exit_handlers_run_and_files_are_written(run):
    worker = run(
        test_a="""
        import atexit, threading
        left_open = open("left_open", "w")
        atexit.register(lambda: open("atexit", "w").write("done"))
        def test_1():
            left_open.write("text")
            threading.Thread(target=lambda: open("thread", "w").write("done")).start()
        """
    )
    contents = {name: (worker.directory / name).read_text() for name in ("left_open", "atexit", "thread")}
    assert contents == {"left_open": "text", "atexit": "done", "thread": "done"}


def test_no_pytest(start, suite):
    (suite() / "pytest.py").write_text("raise ImportError('not for you')")
    worker = start()
    worker.until_end()
    assert worker.kinds() == "N"
    assert "not for you" in worker.records[0].json["reason"]


def test_python_too_old(suite):
    boot = "import sys; sys.version_info = (3, 6)\n" + (PLUGIN_DIR / "pytest_boot.py").read_text()
    worker = Worker(suite(), boot=boot)
    try:
        assert worker.next().json == {"reason": "Python 3.6 is older than 3.7"}
    finally:
        worker.close()


def test_coverage_of_two_workers_is_combined(run, start):
    pytest.importorskip("pytest_cov")
    source = "def f(x):\n    if x:\n        return 1\n    return 2\n"
    tests = "import code_under_test as c\ndef test_1(): c.f(0)\ndef test_2(): c.f(1)"
    workers = [start("--cov=code_under_test", code_under_test=source, test_a=tests) for _ in range(2)]
    for position, worker in enumerate(workers):  # The second starts late: it must not erase what the first has left.
        worker.until("L")
        worker.run(position)
        worker.finish()
        worker.until_end()
        assert worker.end["exitstatus"] == 0, worker.records
    directory = workers[0].directory
    assert len(list(directory.glob(".coverage.*"))) == 2
    coverage = ["/usr/bin/python3", "-m", "coverage"]
    subprocess.run(coverage + ["combine"], cwd=directory, check=True, stdout=subprocess.PIPE)
    report = subprocess.run(coverage + ["report"], cwd=directory, check=True, stdout=subprocess.PIPE).stdout.decode()
    assert re.search(r"code_under_test.py +4 +0 +100%", report), report


def test_hypothesis(run):
    pytest.importorskip("hypothesis")
    worker = run(
        test_a="""
        from hypothesis import given, settings, strategies as st
        @given(st.integers())
        @settings(max_examples=5, database=None)
        def test_1(n): pass
        @given(st.integers())
        @settings(database=None)
        def test_2(n): assert n < 5
        """
    )
    assert worker.kinds() == "HLSDSTDZ", worker.records
    assert "Falsifying example" in worker.reports()[0]["block"]


def test_django_database_of_each_worker(run):
    pytest.importorskip("django")
    pytest.importorskip("pytest_django")
    worker = run(
        "--ds=site_settings",
        site_settings="""
        SECRET_KEY = "x"
        USE_TZ = True
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "TEST": {"NAME": "t.sqlite3"}}}
        """,
        test_a="""
        import pytest
        @pytest.mark.django_db
        def test_1(settings):
            from django.db import connection
            assert "gw0" in connection.settings_dict["NAME"]
            with connection.cursor() as cursor: assert cursor.execute("select 1")
        """,
    )
    assert worker.kinds().replace("W", "") == "HLSDZ", [record.payload for record in worker.records]
