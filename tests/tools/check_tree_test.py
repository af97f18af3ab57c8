"""tools/check_tree.py on small made-up trees."""

import subprocess
import sys

import pytest

TOOL = "tools/check_tree.py"
# In pieces: the tool would find it here.
MACHINE_PATH = "/wo" + "rk/main"


@pytest.fixture
def check(tmp_path):
    """check({path: text}, name) -> (errors, status) of that check."""

    def run(files, name, git=True):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if git:
            subprocess.run("git init -q && git add -A", shell=True, cwd=tmp_path,
                           check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere"})
        done = subprocess.run([sys.executable, TOOL, "--root", tmp_path, name],
                              capture_output=True, text=True)
        assert done.stderr == ""
        head, *rest = done.stdout.splitlines()
        verdict = "FAIL" if done.returncode else "OK"
        assert head.startswith(f"{name} ..") and f". {verdict}" in head
        return [line.strip() for line in rest], done.returncode

    return run


@pytest.mark.parametrize("path,include", [
    ("core/a.h", "<caf/actor.hpp>"),
    ("cli/options.cc", "<caf/actor.hpp>"),
    ("tests/core/a_test.cc", "<caf/actor.hpp>"),
    ("transports/a.cc", "<caf/actor.hpp>"),
    ("actors/a.cc", "<libssh/libssh.h>"),
    ("core/a.cc", '"transports/process.h"'),
    ("core/a.cc", '"actors/link.h"'),
    ("core/a.cc", "<sys/socket.h>"),
    ("core/a.cc", "<thread>"),
    ("transports/a.cc", '"actors/link.h"'),
    ("transports/a.cc", '"cli/options.h"'),
    ("actors/a.cc", '"cli/options.h"'),
    ("cli/run.cc", '"tests/support/fake.h"'),
])
def test_layering_refuses(check, path, include):
    lines, status = check({path: f"// one\n#include {include}\n"}, "layering")
    assert status == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}:2: includes {include}: ")


@pytest.mark.parametrize("path,include", [
    ("actors/a.cc", "<caf/actor.hpp>"),
    ("tests/actors/a_test.cc", "<caf/actor.hpp>"),
    ("cli/main.cc", "<caf/actor_system.hpp>"),
    ("transports/ssh.cc", "<libssh/libssh.h>"),
    ("actors/a.cc", '"transports/process.h"'),
    ("transports/a.cc", '"core/xspec/xspec.h"'),
    ("transports/a.cc", "<sys/socket.h>"),
    ("core/a.cc", "<string>"),
])
def test_layering_allows(check, path, include):
    assert check({path: f"#include {include}\n"}, "layering") == ([], 0)


def test_mirror_wants_a_test_for_each_source_of_the_core(check):
    files = {"core/x/a.cc": "", "core/x/b.cc": "", "tests/core/x/a_test.cc": "",
             "core/x/only.h": "", "actors/c.cc": ""}
    assert check(files, "mirror") == (["core/x/b.cc: has no tests/core/x/b_test.cc"], 1)


def test_an_exception_with_its_reason_is_accepted(check):
    files = {"core/x/b.cc": "",
             "tools/tree_exceptions.txt": "# why\nmirror core/x/b.cc  # a table\n"}
    assert check(files, "mirror") == ([], 0)


def test_budgets_warn_and_then_fail(check):
    files = {"core/ok.cc": "\n" * 400, "core/long.cc": "\n" * 401}
    assert check(files, "budgets") == (["note: core/long.cc: 401 lines"], 0)
    files = {"core/long.cc": "\n" * 601}
    assert check(files, "budgets") == (
        ["core/long.cc: 601 lines, more than 600"], 1)


def test_paths_of_a_machine_are_refused(check):
    files = {"README.md": f"see\n{MACHINE_PATH}/x\n", "ok.md": "my/wo" "rk/x /wo" "rkspace/"}
    assert check(files, "paths") == ([f"README.md:2: {MACHINE_PATH}/x"], 1)


def test_binary_files_are_left_alone(check):
    assert check({"x.bin": f"\0{MACHINE_PATH}/"}, "paths") == ([], 0)


def test_untracked_files_do_not_count(check, tmp_path):
    check({"core/a.h": ""}, "mirror")
    (tmp_path / "core/b.cc").write_text("")
    assert check({}, "mirror", git=False) == ([], 0)


def test_works_without_git(check):
    files = {"core/b.cc": "", "bazel-out/core/c.cc": ""}
    assert check(files, "mirror", git=False) == (
        ["core/b.cc: has no tests/core/b_test.cc"], 1)
