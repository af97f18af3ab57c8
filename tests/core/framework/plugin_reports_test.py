"""What is said of a test: its reports, durations, warnings and log entries."""
import re
import subprocess
import sys
import textwrap

import pytest
from plugin_driver import PYTEST, clean_environment


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


def print_with_pytest(directory, *args):
    """What plain pytest prints about the same suite."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-r", "N", *args]
    return subprocess.run(command, cwd=directory, env=clean_environment(COLUMNS="80"), stdout=subprocess.PIPE).stdout.decode()


@pytest.mark.parametrize(
    "style, capture",
    [(style, "all") for style in ("auto", "long", "short", "line", "native", "no")] + [("auto", "no"), ("line", "no")],
)
def test_blocks_are_what_pytest_prints(run, style, capture):
    args = ["--tb=" + style, "--show-capture=" + capture]
    worker = run(*args, test_a=OUTCOMES)
    printed = print_with_pytest(worker.directory, *args)
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
    source = "  def test_1(): warnings.warn('old', DeprecationWarning)\n"
    assert warning == {
        "message": filename + ":2: DeprecationWarning: old\n" + source,
        "category": "DeprecationWarning",
        "filename": filename,
        "lineno": 2,
        "when": "runtest",
        "nodeid": "test_a.py::test_1",
    }
    printed = print_with_pytest(worker.directory)
    assert "test_a.py::test_1\n" + textwrap.indent(warning["message"], "  ") in printed


def test_a_warning_that_cannot_be_printed_is_told_all_the_same(run):
    source = "import warnings\nwarnings.formatwarning = None\ndef test_1(): warnings.warn('old')"
    worker = run(test_a=source)
    assert worker.all("W")[0].json["message"] == "old"
    assert worker.end["exitstatus"] == 0


def test_report_log(run):
    source = "import warnings\ndef test_1(record_property):\n    warnings.warn('w')\n    record_property('o', object())"
    worker = run(settings={"report_log": True}, test_a=source)
    entries = [record.json for record in worker.all("J")]
    types = [entry["$report_type"] for entry in entries]
    collectors = 2 if PYTEST < (8,) else 3  # The folder is one, too.
    assert types == ["CollectReport"] * collectors + ["TestReport"] * 3 + ["WarningMessage"]
    assert entries[collectors + 2]["user_properties"][0][1].startswith("<object object")
    assert "".join(sorted(worker.kinds())) == "DH" + "J" * len(types) + "LSTWZ"


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
