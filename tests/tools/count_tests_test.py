"""tools/count_tests.py over event files as Bazel 4.2 writes them."""

import json
import subprocess
import sys

import pytest

TOOL = "tools/count_tests.py"

GTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1" disabled="1" errors="0" name="AllTests">
  <testsuite name="Id" tests="4" failures="1" disabled="1" skipped="1">
    <testcase name="Good" status="run" result="completed" classname="Id" />
    <testcase name="Bad" status="run" result="completed" classname="Id">
      <failure message="1 != 2"><![CDATA[1 != 2]]></failure>
    </testcase>
    <testcase name="Skips" status="run" result="skipped" classname="Id">
      <skipped message="why" />
    </testcase>
    <testcase name="DISABLED_Off" status="notrun" result="suppressed" classname="Id" />
  </testsuite>
</testsuites>"""

PYTEST = """<testsuites><testsuite name="pytest" tests="4">
<testcase classname="a_test" name="test_a" />
<testcase classname="a_test" name="test_b"><failure message="x">x</failure></testcase>
<testcase classname="a_test" name="test_c"><error message="teardown">x</error></testcase>
<testcase classname="a_test" name="test_d"><skipped type="pytest.xfail" /></testcase>
</testsuite></testsuites>"""

PLAIN = """<testsuites><testsuite name="x" tests="1" failures="0" errors="{errors}">
<testcase name="x" status="run">{inner}</testcase><system-out>log</system-out>
</testsuite></testsuites>"""
PLAIN_GOOD = PLAIN.format(errors=0, inner="")
PLAIN_BAD = PLAIN.format(errors=1, inner="<error message='exited with 1'></error>")


class Build:
    """Writes an event file, target by target."""

    def __init__(self, folder):
        self.folder = folder
        self.events = []

    def test(self, label, status, xml, *, shard=1, attempt=1):
        path = self.folder / f"{len(self.events)} test.xml"
        if xml is not None:
            path.write_text(xml)
        uri = path.as_uri()
        ident = {"label": label, "run": 1, "shard": shard, "attempt": attempt}
        outputs = [{"name": "test.log", "uri": uri + ".log"},
                   {"name": "test.xml", "uri": uri}]
        self.completed(label)
        self.events.append({
            "id": {"testResult": ident},
            "testResult": {"testActionOutput": outputs, "status": status},
        })
        return self

    def completed(self, label, **event):
        event = event or {"completed": {"success": True}}
        self.events.append({"id": {"targetCompleted": {"label": label}}, **event})
        return self

    def finished(self, name="SUCCESS", code=0):
        # Bazel leaves a code of zero out.
        exit_code = {"name": name, **({"code": code} if code else {})}
        self.events.append({"id": {"buildFinished": {}},
                            "finished": {"exitCode": exit_code}})
        return self

    def count(self, *args):
        path = self.folder / "events.json"
        path.write_text("".join(json.dumps(e) + "\n" for e in self.events))
        done = subprocess.run([sys.executable, TOOL, str(path), *args],
                              capture_output=True, text=True)
        assert done.stderr == ""
        return done.stdout.splitlines(), done.returncode


@pytest.fixture
def build(tmp_path):
    return Build(tmp_path)


def test_counts_cases_of_all_three_dialects(build):
    build.test("//:g", "FAILED", GTEST).test("//:p", "FAILED", PYTEST)
    build.test("//:s", "PASSED", PLAIN_GOOD).finished("TESTS_FAILED", 3)
    lines, status = build.count()
    assert lines == ["FAILED //:g Id.Bad", "FAILED //:p a_test.test_b",
                     "FAILED //:p a_test.test_c", "3 passed, 3 failed, 3 skipped"]
    assert status == 1


def test_passes_when_all_passed(build):
    build.test("//:s", "PASSED", PLAIN_GOOD).finished()
    assert build.count() == (["1 passed, 0 failed"], 0)


def test_a_target_that_did_not_build_is_a_failure(build):
    build.test("//:s", "PASSED", PLAIN_GOOD)
    build.completed("//:x", completed={"failureDetail": {}})
    build.completed("//:y", aborted={"reason": "ANALYSIS_FAILURE"})
    build.finished("BUILD_FAILURE", 1)
    lines, status = build.count()
    assert lines[-1] == "1 passed, 2 failed"
    assert lines[0] == "FAILED //:x did not build"
    assert status == 1


@pytest.mark.parametrize("status", ["FAILED", "TIMEOUT", "NO_STATUS", "INCOMPLETE"])
def test_good_cases_of_a_bad_target_do_not_hide_it(build, status):
    good = GTEST.replace("<failure", "<properties").replace("</failure", "</properties")
    build.test("//:g", status, good).finished("TESTS_FAILED", 3)
    lines, code = build.count()
    assert lines == [f"FAILED //:g {status}", "2 passed, 1 failed, 2 skipped"]
    assert code == 1


def test_a_bad_plain_target_counts_once(build):
    build.test("//:s", "FAILED", PLAIN_BAD).finished("TESTS_FAILED", 3)
    assert build.count()[0][-1] == "0 passed, 1 failed"


@pytest.mark.parametrize("xml", [None, "", "<testsuites><![CDATA[\x01 ]]> ]]>"])
def test_without_a_readable_xml_the_target_is_one_test(build, xml):
    build.test("//:a", "PASSED", xml).test("//:b", "FAILED", xml)
    build.finished("TESTS_FAILED", 3)
    assert build.count()[0][-1] == "1 passed, 1 failed"


def test_only_the_last_attempt_counts(build):
    build.test("//:f", "FAILED", PLAIN_BAD, attempt=1)
    build.test("//:f", "PASSED", PLAIN_GOOD, attempt=2).finished()
    assert build.count() == (["1 passed, 0 failed"], 0)


def test_a_cached_flaky_result_is_good(build):
    build.test("//:f", "FLAKY", PLAIN_GOOD).finished()
    assert build.count() == (["1 passed, 0 failed"], 0)


def test_every_shard_counts(build):
    build.test("//:f", "PASSED", PLAIN_GOOD, shard=1)
    build.test("//:f", "PASSED", PLAIN_GOOD, shard=2).finished()
    assert build.count() == (["2 passed, 0 failed"], 0)


def test_a_run_of_nothing_fails(build):
    build.finished()
    lines, status = build.count()
    assert lines == ["no test ran", "0 passed, 0 failed"]
    assert status == 1


def test_bazels_own_failure_is_a_failure(build):
    build.test("//:s", "PASSED", PLAIN_GOOD).finished("PARSING_FAILURE", 1)
    lines, status = build.count()
    assert lines == ["FAILED bazel exit code 1 PARSING_FAILURE", "1 passed, 1 failed"]
    assert status == 1


def test_the_callers_exit_code_counts_too(build):
    build.test("//:s", "PASSED", PLAIN_GOOD).finished()
    assert build.count("--exit-code", "37")[1] == 1


def test_a_build_that_was_cut_off_is_a_failure(build):
    build.test("//:s", "PASSED", PLAIN_GOOD)
    lines, status = build.count()
    assert lines[-1] == "1 passed, 1 failed"
    assert status == 1
