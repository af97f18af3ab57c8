"""Exit statuses of runs that cannot start or cannot say what they found."""

import os
import re
import subprocess
import sys
import venv

import dist_run
import pytest

LEAVES_A_TRACE = """
    import pathlib
    def test_it(): pathlib.Path("ran.txt").write_text("yes")
    """


@pytest.mark.parametrize("args, status, words", [
    (["nowhere.py"], 4, ["no such file or directory: nowhere.py", "help:"]),
    (["nowhere/"], 4, ["nowhere"]),
    (["test_it.py::test_other"], 4, ["test_other"]),
    (["-k", "nothing_has_this_name"], 5, []),
    (["empty"], 5, []),
    (["--maxfial=3"], 4, ["unknown option '--maxfial'", "'--maxfail'"]),
    (["--maxfail=many"], 4, ["many", "help:"]),
    (["--tx", "2*pope"], 4, ["2*pope\n    ^~~~", "did you mean 'popen'?"]),
    (["--tx", "popen//pyton=x"], 4, ["^", "'python'"]),
    (["--tx", "popen//id=a", "--tx", "popen//id=a"], 4, ["a"]),
    (["--tx", "0*popen"], 4, ["0*popen"]),
    (["--dist", "loadfil"], 4, ["loadfile"]),
    (["--tx", "socket=host:1", "--key-file", "nowhere"], 4, ["key file nowhere: there is none"]),
    (["--html=x.html"], 4, ["not built yet"]),
    (["-n", "2", "--", "--no-such-option"], 4, ["--no-such-option"]),
    (["-c", "nowhere.ini"], 4, ["nowhere.ini"]),
    (["--tx", "popen//python=/nonexistent"], 11, ["/nonexistent", "localhost", "help:"]),
    (["-n", "2", "-k", "((("], 4, ["((("]),
    (["-n", "2", "-p", "no_such_plugin_anywhere"], 4, ["no_such_plugin_anywhere"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) and value and
    value[0].startswith(("-", "n", "t", "e")) else "")
def test_cannot_start(dist, args, status, words):
    dist.write({"test_it.py": LEAVES_A_TRACE, "empty/test_none.py": ""})
    ran = dist.run(*args)
    assert ran.status == status, ran
    for word in words:
        assert word in ran.out + ran.err, ran
    assert not (dist / "ran.txt").exists()
    assert "Traceback" not in ran.out + ran.err, ran


@pytest.mark.parametrize("files, words", [
    ({"pytest.ini": "[pytest\naddopts = -q\n"}, "pytest.ini"),
    ({"pytest.ini": "[pytest]\naddopts = 'unclosed\n"}, "pytest.ini"),
    ({"pyproject.toml": "[tool.pytest.ini_options\n"}, "pyproject.toml"),
    ({"pytest.ini": "[pytest]\naddopts = --maxfail=many\n"}, "pytest.ini"),
    ({"pytest.ini": "[pytest]\nminversion = 99.0\n"}, "99.0"),
    ({"dist.toml": "tx = [\n"}, "dist.toml"),
    ({"dist.toml": "maxfial = 3\n"}, "maxfail"),
    ({"conftest.py": "raise RuntimeError('conftest is broken')\n"}, "conftest is broken"),
    ({"conftest.py": "import no_such_module_anywhere\n"}, "no_such_module_anywhere"),
], ids=["section", "quote", "pyproject", "value", "minversion", "toml", "toml-key",
        "conftest", "conftest-import"])
def test_broken_files(dist, files, words):
    dist.write({"test_it.py": LEAVES_A_TRACE, **files})
    ran = dist.run("-n", "2")
    assert ran.status == 4, ran
    assert words in ran.out + ran.err, ran
    assert not (dist / "ran.txt").exists()


@pytest.mark.parametrize("option", ["--junitxml", "--report-log"])
def test_a_report_that_cannot_be_written_is_found_first(dist, option):
    dist.write(it=LEAVES_A_TRACE)
    ran = dist.run(f"{option}={dist / 'test_it.py' / 'report'}")
    assert ran.status == 4, ran
    assert not (dist / "ran.txt").exists()


def test_interpreters(dist, tmp_path):
    """One without pytest cannot be used; along PATH the next one is taken."""
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    bare = tmp_path / "bare" / "bin" / "python3"
    dist.write(it="import sys\ndef test_it(): open('who', 'w').write(sys.executable)")
    ran = dist.run("--tx", f"popen//python={bare}")
    assert ran.status == 11, ran
    assert "No module named 'pytest'" in ran.out + ran.err and "help:" in ran.out + ran.err

    path = f"{bare.parent}:{os.path.dirname(sys.executable)}:/usr/bin:/bin"
    ran = dist.run("-n", "2", env={"PATH": path})
    assert ran.status == 0, ran
    assert dist.read("who") == sys.executable
    assert sys.executable in ran.out  # The header names it.

    # An active virtual environment is meant, even if it is of no use.
    ran = dist.run("-n", "2", env={"VIRTUAL_ENV": tmp_path / "bare", "PATH": path})
    assert ran.status == 11, ran

    # One host is bad, the other is good: the run goes on.
    ran = dist.run("--tx", "popen//python=/nonexistent", "--tx", "popen")
    assert ran.status == 0, ran
    assert "/nonexistent" in ran.out + ran.err

    ran = dist.run("-n", "1", env={"PATH": "/nowhere"})
    assert ran.status == 11, ran
    assert "PATH" in ran.out + ran.err


def test_stdout_closed_early(dist):
    """`dist | head -1`: all tests run, and the report is whole."""
    dist.write(it="""
        import pytest
        @pytest.mark.parametrize("n", range(300))
        def test_n(n): open("ran.txt", "a").write("x")
        """)
    live = dist.start("-n", "2", "-v")
    live.process.stdout.readline()
    live.process.stdout.close()
    live.process.stdout = None
    ran = live.wait()
    assert ran.status == 0, ran
    assert len(dist.read("ran.txt")) == 300
    assert len(ran.outcomes) == 300


@pytest.mark.parametrize("passes, status", [(True, 12), (False, 1)])
def test_stdout_full(dist, passes, status):
    dist.write(it=f"def test_it(): assert {passes}")
    done = subprocess.run(["sh", "-c", f"exec {dist_run.program()} -n 2 > /dev/full"],
                          cwd=dist.folder, env=dist_run.environment(dist.cookie),
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    assert "stdout could not be written: No space left on device" in done.stderr


def test_help_and_version(dist):
    done = dist.run("--help")
    assert done.status == 0
    examples = [line for line in done.out.splitlines() if line.startswith("dist ")]
    assert len(examples) == 5
    assert re.fullmatch(r"dist \d+\.\d+\.\d+\n", dist.run("--version").out)


def test_verbs_are_verbs_only_as_first_word(dist):
    dist.write({"serve/test_it.py": "def test_it(): pass"})
    assert dist.run("./serve").counts == {"passed": 1}


def test_under_bazel_run_paths_are_the_users(dist, tmp_path):
    dist.write(it="import os\ndef test_it(): assert 'BUILD_WORKING_DIRECTORY' not in os.environ")
    ran = dist.run("-n", "1", "test_it.py", cwd=tmp_path,
                   env={"BUILD_WORKING_DIRECTORY": dist.folder})
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
