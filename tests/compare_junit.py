#!/usr/bin/env python3
"""Compares two JUnit files test by test.

Usage: compare_junit.py WANTED GOT

Equal are files with the same tests, each as often, with the same outcomes.
Order, times, hosts and properties do not matter. Exit status: 0 equal,
1 different, 2 a file cannot be read.
"""

import collections
import sys
import xml.etree.ElementTree as ElementTree

SHOWN = 50


def outcome(case):
    """passed, failed, error, skipped or xfailed. A test that failed and whose
    teardown then had an error is both."""
    names = {"failure": "failed", "error": "error", "skipped": "skipped"}
    found = {"xfailed" if child.get("type") == "pytest.xfail" else names[child.tag]
             for child in case if child.tag in names}
    return "+".join(sorted(found, reverse=True)) or "passed"


def read(path):
    """{(classname, name): Counter of outcomes}."""
    tests = collections.defaultdict(collections.Counter)
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        key = case.get("classname", ""), case.get("name", "")
        tests[key][outcome(case)] += 1
    return tests


def describe(outcomes):
    """"passed", or "passed, failed x2" of a test that is there three times."""
    return ", ".join(name if count == 1 else f"{name} x{count}"
                     for name, count in sorted(outcomes.items()))


def differences(wanted, got):
    """Lines, one for each test that is not the same."""
    for key in sorted(wanted.keys() | got.keys()):
        name = "::".join(filter(None, key))
        if key not in got:
            yield f"missing    {name}: was {describe(wanted[key])}"
        elif key not in wanted:
            yield f"unexpected {name}: is {describe(got[key])}"
        elif wanted[key] != got[key]:
            yield (f"different  {name}: was {describe(wanted[key])}, "
                   f"is {describe(got[key])}")


def total(tests):
    return describe(sum(tests.values(), collections.Counter())) or "no tests"


def main(argv):
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        wanted, got = (read(path) for path in argv)
    except (OSError, ElementTree.ParseError) as error:
        print(f"compare_junit: {error}", file=sys.stderr)
        return 2
    found = list(differences(wanted, got))
    for line in found[:SHOWN]:
        print(line)
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more")
    if found:
        print(f"{len(found)} tests differ; was: {total(wanted)}; is: {total(got)}")
        return 1
    print(f"equal: {total(wanted)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
