"""Runs the examples of README.md: each `$ dist ...` prints what is shown below it and exits as that says."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

SECTION = re.compile(r"^## Examples\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# How a command may begin, after "$ ".
STARTS = ("dist ", "./bazelw run //cli:dist -- ")
FOREIGN = ("PYTEST", "TEST_", "XML_OUTPUT", "BUILD_", "RUNFILES", "NO_COLOR",
           "FORCE_COLOR", "CLICOLOR", "CI", "COV_")


def examples(text):
    """[(command, [shown line])] of the section "Examples"."""
    found = []
    section = SECTION.search(text)
    for block in BLOCK.findall(section[1] if section else ""):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def words(command):
    """The arguments of dist in `command`."""
    for start in STARTS:
        if command.startswith(start):
            return shlex.split(command[len(start):])
    raise AssertionError(f"no run of dist: {command}")


def pattern(line):
    """What a shown line stands for: `...` is any text, a time any time, a rule of any length."""
    text = re.escape(line.rstrip())
    text = text.replace(r"\.\.\.", ".*")
    text = re.sub(r"\d+\\\.\d+s", r"\\d+\\.\\d+s", text)
    text = re.sub(r"={3,}", "=+", text)
    return re.compile(text + r"\s*$")


def missing(shown, printed):
    """The first shown line that is not printed, in order, or None."""
    lines = iter(printed.splitlines())
    for line in shown:
        if line.strip() in ("", "..."):
            continue
        if not any(pattern(line).match(candidate) for candidate in lines):
            return line
    return None


def expected_status(shown):
    """What the shown output says of the exit status."""
    if any(line.startswith("dist: ") for line in shown):
        return 4
    return 1 if any(re.search(r"\d+ (failed|errors?|crashed)\b", line) for line in shown) else 0


with open("README.md", encoding="utf-8") as file:
    EXAMPLES = examples(file.read())


def test_there_are_examples():
    assert EXAMPLES
    assert any(shown for _, shown in EXAMPLES)


@pytest.mark.parametrize("command, shown", EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_example(tmp_path, command, shown):
    dist = os.path.abspath(os.environ.get("DIST") or "cli/dist")
    shutil.copytree("examples", tmp_path / "examples")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment["COLUMNS"] = "80"
    done = subprocess.run([dist, *words(command)], cwd=tmp_path, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert missing(shown, done.stdout) is None, done.stdout
    assert done.returncode == expected_status(shown), done.stdout


@pytest.mark.parametrize("shown, printed, lost", [
    (["a ... c"], "a b c", None),
    (["=== 1 passed in 0.10s ==="], "===== 2 passed in 2.34s ====", "=== 1 passed in 0.10s ==="),
    (["==== 1 passed in 0.10s ===="], "====== 1 passed in 2.34s =====", None),
    (["a", "...", "c"], "a\nb\nc\nd", None),
    (["c", "a"], "a\nc", "a"),
    (["1 passed"], "11 passed", "1 passed"),
    (["1 passed"], "1 passed, 1 failed", "1 passed"),
    (["    ^..."], "    ^~~~", None),
    (["[x] (a+b)"], "[x] (a+b)", None),
])
def test_shown_lines_are_looked_for_in_order(shown, printed, lost):
    assert missing(shown, printed) == lost


def test_only_the_section_is_read():
    text = "```console\n$ dist a\n```\n## Examples\n```console\n$ dist b\nout\n$ dist c\n```\n## X\n```console\n$ dist d\n```\n"
    assert examples(text) == [("dist b", ["out"]), ("dist c", [])]
    assert examples("## Other\n") == []
    with pytest.raises(AssertionError, match="no run of dist"):
        words("rm -rf x")
