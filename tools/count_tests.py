#!/usr/bin/env python3
"""Counts the tests that one `bazel test` ran, from what it wrote about itself.

Usage: count_tests.py EVENTS [--exit-code N]

EVENTS is the file of --build_event_json_file. Each test target names its
test.xml there, whether it ran now or its result was cached; a file left over
from an earlier run is not named and not counted. The last line printed is
`N passed, N failed`, with `, N skipped` where there are any.

A target that did not build counts as one failed test, and so does one that
failed although all its test cases passed (it crashed at its end, say).
"""

import argparse
import collections
import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

Counts = collections.Counter

# FLAKY: passed at a later attempt.
GOOD = ("PASSED", "FLAKY")


def read_events(path):
    """Yields the events; an unfinished last line is left out."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def outcome(case):
    """passed, failed or skipped: what one <testcase> says."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    # GoogleTest lists a disabled test with status="notrun".
    if case.find("skipped") is not None or case.get("status") == "notrun":
        return "skipped"
    return "passed"


def case_name(case):
    return ".".join(filter(None, (case.get("classname"), case.get("name"))))


def read_cases(path):
    """[(name, outcome)] of a test.xml; none if it cannot be read."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, TypeError):
        return []
    return [(case_name(case), outcome(case)) for case in root.iter("testcase")]


def xml_path(result):
    for output in result.get("testActionOutput", ()):
        if output.get("name") == "test.xml":
            return urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
    return None


class Tally:
    """What happened, target by target."""

    def __init__(self):
        self.results = {}  # (label, run, shard) -> (attempt, result)
        self.not_built = {}  # label -> why
        self.exit_code = None
        self.counts = Counts()
        self.failures = []

    def read(self, events):
        for event in events:
            ident = event.get("id", {})
            if "testResult" in ident and "testResult" in event:
                self._on_result(ident["testResult"], event["testResult"])
            elif "targetCompleted" in ident:
                self._on_completed(ident["targetCompleted"]["label"], event)
            elif "finished" in event:
                self.exit_code = event["finished"].get("exitCode", {})

    def _on_result(self, ident, result):
        key = ident["label"], ident.get("run", 1), ident.get("shard", 1)
        attempt = ident.get("attempt", 1)
        if attempt >= self.results.get(key, (0, None))[0]:
            self.results[key] = attempt, result

    def _on_completed(self, label, event):
        if "aborted" in event:
            self.not_built[label] = event["aborted"].get("reason", "aborted")
        elif not event.get("completed", {}).get("success"):
            self.not_built[label] = "did not build"

    def finish(self, exit_code):
        """Sums up. `exit_code` is Bazel's, when the caller knows it."""
        for (label, _, _), (_, result) in sorted(self.results.items()):
            self._count_target(label, result)
        tested = {label for label, _, _ in self.results}
        for label, why in sorted(self.not_built.items()):
            if label not in tested:
                self._fail(label, why)
        if exit_code is None:
            exit_code = (self.exit_code or {}).get("code", 0)
        if self.exit_code is None:
            self._fail("bazel", "did not finish")
        elif exit_code and not self.counts["failed"]:
            name = self.exit_code.get("name", "")
            self._fail("bazel", f"exit code {exit_code} {name}".rstrip())

    def _count_target(self, label, result):
        status = result.get("status", "NO_STATUS")
        cases = read_cases(xml_path(result))
        for name, verdict in cases:
            self.counts[verdict] += 1
            if verdict == "failed":
                self.failures.append((label, name))
        if status not in GOOD and all(v != "failed" for _, v in cases):
            self._fail(label, status)
        elif status in GOOD and not cases:
            self.counts["passed"] += 1

    def _fail(self, label, why):
        self.counts["failed"] += 1
        self.failures.append((label, why))

    def ok(self):
        return not self.counts["failed"] and self.counts["passed"] > 0

    def summary(self):
        text = "{passed} passed, {failed} failed".format_map(self.counts)
        if self.counts["skipped"]:
            text += f", {self.counts['skipped']} skipped"
        return text


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("events")
    parser.add_argument("--exit-code", type=int, help="what bazel returned")
    args = parser.parse_args(argv)
    tally = Tally()
    try:
        tally.read(read_events(args.events))
    except OSError as error:
        print(error, file=sys.stderr)
    tally.finish(args.exit_code)
    for label, what in tally.failures:
        print(f"FAILED {label} {what}")
    if not tally.counts["passed"] and not tally.counts["failed"]:
        print("no test ran")
    print(tally.summary())
    return 0 if tally.ok() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
