#!/usr/bin/env python3
"""Checks what no compiler checks: layering, mirror, budgets, paths.

Usage: check_tree.py [--root DIR] [CHECK ...]

layering  each folder includes only what its place in the architecture allows
mirror    every core/**/X.cc has a tests/core/**/X_test.cc
budgets   no source file is over 600 lines; over 400 is worth a look
paths     nothing names a folder of the machine it was written on

Files are those that git tracks. Exceptions, each with its reason, stand in
tools/tree_exceptions.txt.
"""

import argparse
import os
import re
import subprocess
import sys

# (who, which includes are refused there, why). `who` is a pattern of paths;
# the first word of `who` may be negated with "not ".
LAYERS = [
    (r"not (actors|tests/actors|tests/support)/|cli/main\.cc$", r"<caf/",
     "only actors/ knows CAF"),
    (r"not (transports|tests/transports)/", r"<libssh/",
     "only transports/ knows libssh"),
    (r"not (transports/tls|tests/transports/tls)/", r"<openssl/ssl",
     "only transports/tls knows TLS"),
    (r"core/", r'"(actors|sync|transports|cli|tests)/',
     "core/ is the bottom layer"),
    (r"core/", r"<(thread|mutex|future|condition_variable|fstream|filesystem"
               r"|unistd\.h|fcntl\.h|pthread\.h|signal\.h|csignal|sys/[^>]*"
               r"|netinet/[^>]*|arpa/[^>]*|netdb\.h)>",
     "core/ has no I/O, no clock and no threads"),
    (r"transports/", r'"(actors|sync|cli|tests)/',
     "transports/ builds on core/ alone"),
    (r"sync/", r'"(actors|transports|cli|tests)/', "sync/ builds on core/ alone"),
    (r"actors/", r'"(cli|tests)/', "actors/ builds on core/, sync/ and transports/"),
    (r"cli/", r'"tests/', "programs do not need tests"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"][^>"]*[>"])', re.MULTILINE)
SOURCE = re.compile(r"\.(cc|h|inc|py|sh|bzl)$")
WARN_LINES, MAX_LINES = 400, 600

# Written in pieces, so that this file passes too.
MACHINE = re.compile(r"(?<![\w.-])/(?:%s|%s)/|\.?%s" % ("wo" "rk", "ro" "ot", "py" "env"))


class Tree:
    """The tracked files under `root`, and the exceptions to the rules."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(self._list())
        self.exceptions = set()
        if "tools/tree_exceptions.txt" in self.files:
            for line in self.read("tools/tree_exceptions.txt").splitlines():
                words = line.partition("#")[0].split()
                if words:
                    self.exceptions.add(tuple(words))

    def _list(self):
        listed = subprocess.run(["git", "ls-files", "-z", "--cached"],
                                cwd=self.root, capture_output=True)
        if listed.returncode == 0:
            names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
        else:  # An export without .git.
            names = []
            for folder, folders, files in os.walk(self.root):
                folders[:] = [f for f in folders if not f.startswith("bazel-")]
                names += [os.path.relpath(os.path.join(folder, f), self.root)
                          for f in files]
        return [n for n in names if n and os.path.isfile(os.path.join(self.root, n))]

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8",
                  errors="surrogateescape", newline="") as file:
            return file.read()

    def allowed(self, check, name):
        return (check, name) in self.exceptions


def applies(who, name):
    if who.startswith("not "):
        return not re.match(who[4:], name)
    return bool(re.match(who, name))


def check_layering(tree):
    """([error], [warning]): includes that point the wrong way."""
    errors = []
    for name in tree.files:
        if not name.endswith((".cc", ".h", ".inc")) or tree.allowed("layering", name):
            continue
        text = tree.read(name)
        rules = [(what, why) for who, what, why in LAYERS if applies(who, name)]
        for found in INCLUDE.finditer(text):
            for what, why in rules:
                if re.match(what, found[1]):
                    line = text.count("\n", 0, found.start(1)) + 1
                    errors.append(f"{name}:{line}: includes {found[1]}: {why}")
    return errors, []


def check_mirror(tree):
    """Sources of the core without a test beside them."""
    files = set(tree.files)
    errors = []
    for name in tree.files:
        if name.startswith("core/") and name.endswith(".cc"):
            test = f"tests/{name[:-3]}_test.cc"
            if test not in files and not tree.allowed("mirror", name):
                errors.append(f"{name}: has no {test}")
    return errors, []


def check_budgets(tree):
    """Files that grew too long."""
    errors, warnings = [], []
    for name in tree.files:
        if not SOURCE.search(name):
            continue
        lines = tree.read(name).count("\n")
        if lines > MAX_LINES and not tree.allowed("budgets", name):
            errors.append(f"{name}: {lines} lines, more than {MAX_LINES}")
        elif lines > WARN_LINES:
            warnings.append(f"{name}: {lines} lines")
    return errors, warnings


def check_paths(tree):
    """Lines that name a folder of somebody's machine."""
    errors = []
    for name in tree.files:
        text = tree.read(name)
        if "\0" in text or tree.allowed("paths", name):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE.search(line):
                errors.append(f"{name}:{number}: {line.strip()[:100]}")
    return errors, []


CHECKS = {
    "layering": check_layering,
    "mirror": check_mirror,
    "budgets": check_budgets,
    "paths": check_paths,
}


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", default=os.getcwd())
    parser.add_argument("checks", nargs="*", metavar="CHECK",
                        help=f"of {', '.join(CHECKS)}; default: all")
    args = parser.parse_args(argv)
    unknown = set(args.checks) - set(CHECKS)
    if unknown:
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    tree = Tree(args.root)
    bad = False
    for check in args.checks or CHECKS:
        errors, warnings = CHECKS[check](tree)
        dots = "." * (14 - len(check))
        note = f" ({len(warnings)} over {WARN_LINES} lines)" if warnings else ""
        print(f"{check} {dots} {'FAIL' if errors else 'OK'}{note}")
        for line in errors:
            print(f"  {line}")
        for line in warnings:
            print(f"  note: {line}")
        bad = bad or bool(errors)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
