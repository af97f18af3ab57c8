"""The repository itself keeps the rules of tools/check_tree.py.

Looks at the source tree, not at the copy that Bazel lays out: a rule about
all files cannot list its inputs. The target is therefore never cached.
"""

import os
import subprocess
import sys

import pytest

# In the runfiles it is a link to the real one.
ROOT = os.path.dirname(os.path.realpath("WORKSPACE"))


@pytest.mark.parametrize("check", ["layering", "mirror", "budgets", "paths"])
def test_repository(check):
    done = subprocess.run(
        [sys.executable, "tools/check_tree.py", "--root", ROOT, check],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
