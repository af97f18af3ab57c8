"""Reports and the words on the terminal."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

TESTS = """
    import pytest, sys, time
    def test_good(record_property):
        record_property("colour", "blue")
        print("good says this")
    def test_bad():
        print("bad says this")
        print("and this", file=sys.stderr)
        assert 0
    @pytest.mark.skip(reason="no reason")
    def test_skip(): pass
    """


def test_junit(dist):
    dist.write(it=TESTS)
    ran = dist.run("-n", "2")
    root = ElementTree.parse(ran.junit).getroot()
    assert root.tag == "testsuites"
    suite, = root
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    for case in suite.iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        assert properties["worker"] in ("gw0", "gw1")
        assert properties["host"] == "localhost" and properties["attempt"] == "1"
        if case.get("name") == "test_good":
            assert properties["colour"] == "blue"
        assert float(case.get("time")) < 1


def test_junit_in_a_new_folder(dist):
    dist.write(it="def test_it(): pass")
    ran = dist.run("-n", "1", "--junitxml=new/folder/x.xml")
    assert ran.status == 0, ran
    assert ElementTree.parse(dist / "new/folder/x.xml").getroot().find(".//testcase") is not None


def test_junit_prefix(dist):
    dist.write(it="def test_it(): pass", bad="import nothing_like_it")
    ran = dist.run("-n", "1", "--junit-prefix=pre")
    assert set(ran.outcomes) == {"pre.test_it::test_it", "pre::test_bad"}, ran


def test_report_log(dist):
    dist.write(it=TESTS + "\n    def test_dies():\n        import os; os._exit(1)\n")
    ran = dist.run("-n", "2", "--report-log=log.json")
    entries = [json.loads(line) for line in dist.read("log.json").splitlines()]
    assert entries[0]["$report_type"] == "SessionStart"
    assert entries[-1] == {"$report_type": "SessionFinish", "exitstatus": ran.status}
    tests = [entry for entry in entries if entry["$report_type"] == "TestReport"]
    phases = {(entry["nodeid"], entry["when"]): entry["outcome"] for entry in tests}
    assert phases["test_it.py::test_good", "setup"] == "passed"
    assert phases["test_it.py::test_good", "call"] == "passed"
    assert phases["test_it.py::test_bad", "call"] == "failed"
    assert phases["test_it.py::test_skip", "setup"] == "skipped"
    assert phases["test_it.py::test_dies", "call"] == "failed"
    for entry in tests:
        assert entry["worker"] in ("gw0", "gw1") and entry["host"] == "localhost"
        assert entry["attempt"] == 1


def test_durations(dist):
    dist.write(it="import time\ndef test_slow(): time.sleep(0.2)\ndef test_fast(): pass")
    ran = dist.run("-n", "1", "--durations=1")
    assert re.search(r"slowest 1 durations =+\n0\.2\ds call +test_it.py::test_slow", ran.out), ran


def test_stream(dist):
    dist.write(it="""
        import os, sys
        def test_it():
            print("from python")
            os.write(2, b"from the process\\n")
            os.write(1, b"half a ")
            os.write(1, b"line\\nno newline at the end")
        """)
    ran = dist.run("-n", "1", "-s")
    assert ran.status == 0, ran
    for words in ("from python", "from the process", "half a line", "no newline at the end"):
        assert f"[gw0 localhost] {words}\n" in ran.out, ran


def test_color(dist):
    dist.write(it=TESTS)
    coloured = dist.run("-n", "1", "--color=yes")
    assert "\x1b[31m" in coloured.out and "\x1b[32m" in coloured.out
    for args, env in [(["--color=no"], {"FORCE_COLOR": 1}), ([], {}), ([], {"NO_COLOR": 1})]:
        plain = dist.run("-n", "1", *args, env=env)
        assert "\x1b" not in plain.out + plain.err, plain


def test_what_tests_print_cannot_command_the_terminal(dist):
    dist.write(it=r"""
        def test_it():
            print("\x1b]52;c;evil\x07 \x1b[2J \r over \x08 \x9b31m")
            assert 0, "\x1b]0;title\x07"
        """)
    for color in ("yes", "no"):
        ran = dist.run("-n", "1", f"--color={color}")
        left = re.sub(r"\x1b\[[0-9;]*m", "", ran.out + ran.err)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", left), repr(left)


@pytest.mark.parametrize("args", [[], ["-q"], ["-qq"]])
def test_collect_only(dist, args):
    dist.write({"test_it.py": "def test_one(): open('ran', 'w')\ndef test_two(): pass",
                "sub/test_deep.py": "def test_deep(): pass"})
    ran = dist.run("-n", "2", "--collect-only", *args)
    assert ran.status == 0, ran
    assert not (dist / "ran").exists()
    if args != ["-qq"]:
        for name in ("test_one", "test_two", "test_deep"):
            assert name in ran.out, ran
    if args == ["-q"]:
        assert "test_it.py::test_one\ntest_it.py::test_two\n" in ran.out, ran
    assert dist.run("--collect-only", "-k", "nothing").status == 5


def test_header_names_what_is_used(dist):
    dist.write({"test_it.py": "def test_it(): pass", "pytest.ini": "[pytest]\n"})
    ran = dist.run("-n", "2")
    for words in ("dist-", "pytest-", "rootdir: ", "configfile: pytest.ini", "workers: gw0 gw1 ["):
        assert words in ran.out, ran


def test_quick_failures_are_complete(dist):
    """A run's page holds the failure, its captured output, and its place."""
    dist.write(it=TESTS)
    ran = dist.run("-n", "2")
    for words in ("test_it.py:9: AssertionError", "Captured stdout call", "bad says this",
                  "Captured stderr call", "and this", "[gw"):
        assert words in ran.out, ran
    assert "good says this" not in ran.out
    assert "good says this" in dist.run("-n", "2", "-rP").out
