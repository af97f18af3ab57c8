"""tests/compare_junit.py on small files."""

import subprocess
import sys

import pytest

TOOL = "tests/compare_junit.py"
FAILED = "<failure message='m'>text</failure>"
ERROR = "<error/>"
SKIPPED = "<skipped type='pytest.skip'/>"
XFAILED = "<skipped type='pytest.xfail'/>"


@pytest.fixture
def compare(tmp_path):
    """compare([(name, inner xml)], [...]) -> (lines, status)."""

    def run(*sides):
        paths = []
        for number, cases in enumerate(sides):
            path = tmp_path / f"{number}.xml"
            body = "".join(f'<testcase classname="m" name="{name}" time="{number}">'
                           f"{inner}</testcase>" for name, inner in cases)
            path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
            paths.append(path)
        done = subprocess.run([sys.executable, TOOL, *paths],
                              capture_output=True, text=True)
        assert done.stderr == ""
        return done.stdout.splitlines(), done.returncode

    return run


def test_order_and_time_do_not_matter(compare):
    cases = [("a", ""), ("b", FAILED), ("c", SKIPPED)]
    assert compare(cases, cases[::-1]) == (["equal: failed, passed, skipped"], 0)


def test_a_missing_test(compare):
    lines, status = compare([("a", ""), ("b", "")], [("a", "")])
    assert lines == ["missing    m::b: was passed",
                     "1 tests differ; was: passed x2; is: passed"]
    assert status == 1


def test_an_unexpected_test(compare):
    lines, status = compare([], [("a", FAILED)])
    assert lines[0] == "unexpected m::a: is failed"
    assert status == 1


@pytest.mark.parametrize("inner,word", [
    (FAILED, "failed"), (ERROR, "error"), (SKIPPED, "skipped"),
    (XFAILED, "xfailed"),
    (FAILED + ERROR, "failed+error"),
])
def test_another_outcome(compare, inner, word):
    lines, status = compare([("a", "")], [("a", inner)])
    assert lines[0] == f"different  m::a: was passed, is {word}"
    assert status == 1


def test_a_test_that_ran_twice(compare):
    lines, status = compare([("a", "")], [("a", ""), ("a", "")])
    assert lines[0] == "different  m::a: was passed, is passed x2"
    assert status == 1


def test_output_of_a_test_is_no_outcome(compare):
    log = "<properties><property name='worker' value='gw0'/></properties><system-out>x</system-out>"
    assert compare([("a", "")], [("a", log)])[1] == 0


def test_long_lists_are_cut(compare):
    lines, _ = compare([(str(n), "") for n in range(60)], [])
    assert len(lines) == 52
    assert lines[50] == "... and 10 more"


def test_a_file_that_is_no_xml(tmp_path):
    (tmp_path / "x").write_text("no")
    done = subprocess.run([sys.executable, TOOL, tmp_path / "x", tmp_path / "x"],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("compare_junit: ")
