"""What tests wrote comes back: --fetch, DIST_ARTIFACTS_DIR, coverage."""

import fcntl
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

import dist_run
from dist_run import environment, wait_until
from sync_remote_test import host  # noqa: F401

ARTIFACTS = "dist-artifacts"


def came(dist):
    """{path below dist-artifacts/HOST: content}."""
    found = {}
    top = dist / ARTIFACTS
    for path in sorted(top.rglob("*")):
        if path.is_file():
            found["/".join(path.relative_to(top).parts[1:])] = path.read_bytes()
    return found


def test_files_come_back_whatever_the_verdict(dist, host):  # noqa: F811
    dist.write({"pytest.ini": "[pytest]\n", "test_it.py": """
        import os, pathlib, pytest
        def test_fails():
            pathlib.Path("out").mkdir()
            pathlib.Path("out/one.png").write_bytes(b"\\x89PNG")
            assert 0
        def test_dies():
            pathlib.Path("two.png").write_bytes(b"2")
            pathlib.Path("three.txt").write_bytes(b"3")
            os.symlink("/etc/passwd", "link.png")
            os.mkfifo("pipe.png")
            os.kill(os.getpid(), 9)
        """})
    ran = dist.run("--tx", host.tx, "--fetch", "./out/", "--fetch", "two.png", "--fetch", "no/such/*")
    assert ran.counts == {"failed": 1, "crashed": 1}, ran
    assert came(dist) == {"out/one.png": b"\x89PNG", "two.png": b"2"}
    # A second run does not send them there, and what is gone there goes here.
    dist.write({"test_it.py": "def test_it(): pass"})
    ran = dist.run("--tx", host.tx, "--fetch", "*.png", "-v")
    assert ran.status == 0, ran
    assert not list(host.tree.rglob("*.png"))
    assert not (host.tree / ARTIFACTS).exists()


def test_a_folder_for_each_attempt(dist, host):  # noqa: F811
    check_attempts(dist, host.tx)


def test_a_folder_for_each_attempt_here(dist):
    check_attempts(dist, "popen")


def check_attempts(dist, tx):
    dist.write(it="""
        import os, pathlib, pytest
        def test_one():
            folder = pathlib.Path(os.environ["DIST_ARTIFACTS_DIR"])
            (folder / "deep").mkdir()
            (folder / "deep/log").write_text("1")
            assert 0
        def test_two():
            assert not os.listdir(os.environ["DIST_ARTIFACTS_DIR"])
        @pytest.mark.parametrize("text", ["a/b c", "x" * 400])
        def test_odd(text):
            pathlib.Path(os.environ["DIST_ARTIFACTS_DIR"], "file").write_text(text)
        def test_removes():
            folder = os.environ["DIST_ARTIFACTS_DIR"]
            os.rmdir(folder)
        def test_dies():
            pathlib.Path(os.environ["DIST_ARTIFACTS_DIR"], "last").write_text("words")
            os._exit(1)
        def test_after(): assert not os.listdir(os.environ["DIST_ARTIFACTS_DIR"])
        """)
    ran = dist.run("--tx", tx, "--retries", "1")
    assert ran.counts == {"failed": 1, "passed": 5, "crashed": 1}, ran
    files = came(dist)
    long = "x" * (200 - len("test_it.py_test_odd["))
    assert files == {
        "tests/gw0/test_it.py_test_one/deep/log": b"1",
        "tests/gw0/test_it.py_test_one-2/deep/log": b"1",
        "tests/gw0/test_it.py_test_dies/last": b"words",
        "tests/gw0/test_it.py_test_dies-2/last": b"words",
        "tests/gw0/test_it.py_test_odd[a_b_c]/file": b"a/b c",
        f"tests/gw0/test_it.py_test_odd[{long}/file": b"x" * 400}, ran


def test_nothing_kept_leaves_nothing(dist, host, tmp_path):  # noqa: F811
    dist.write(it="def test_it(): pass")
    assert dist.run("--tx", host.tx, "--tx", "popen",
                    env={"XDG_CACHE_HOME": tmp_path / "cache"}).status == 0
    assert not (dist / ARTIFACTS).exists()
    for home in host.home / ".cache", tmp_path / "cache":
        # A node that is not waited for has 2 s to tidy up.
        wait_until(lambda: not list(home.glob("dist/artifacts/*")), 2)


def test_fetching_from_where_nothing_is_synced_is_said_once(dist, host):  # noqa: F811
    dist.write(it="def test_it(): pass")
    said = "--fetch brings nothing from "
    ran = dist.run("--tx", host.tx, "--tx", "2*popen", "--fetch", "*.png")
    assert ran.status == 0, ran
    (line,) = [line for line in (ran.out + ran.err).splitlines() if said in line]
    assert "nothing is synced there" in line and "popen" in line or "local" in line, line
    ran = dist.run("--tx", host.tx, "--fetch", "*.png")
    assert ran.status == 0 and said not in ran.out + ran.err, ran


def test_two_runs_that_fetch_at_once(dist, host, tmp_path):  # noqa: F811
    """The second one's tests count; it says why files do not come, and what to do."""
    dist.write(it="""
        import os, pathlib
        def test_it():
            pathlib.Path(os.environ["DIST_ARTIFACTS_DIR"], "mine").touch()
        """)
    run = ("--tx", host.tx)
    cache = {"XDG_CACHE_HOME": tmp_path / "cache"}
    assert dist.run(*run, env=cache).status == 0
    (tests,) = (dist / ARTIFACTS).glob("*/tests")
    name = hashlib.sha256(os.fsencode(tests)).hexdigest()[:32]
    with open(tmp_path / f"cache/dist/trees/at-{name}/0/lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = dist.run(*run, env=cache)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    said = ran.out + ran.err
    assert f"{tests} is in use by another run" in said, ran
    assert "start one of them in another folder" in said and "chdir" not in said, ran


def test_a_file_that_is_still_written_to_keeps_no_other(dist, host):  # noqa: F811
    """Of the log of a server that a test has left behind comes what is there."""
    dist.write(it="""
        import pathlib, subprocess
        def test_it():
            pathlib.Path("quiet.log").write_text("quiet")
            busy = pathlib.Path("busy.log")
            subprocess.Popen(["setsid", "sh", "-c", "while :; do echo line; done > busy.log"])
            while not busy.exists() or not busy.stat().st_size: pass
        """)
    ran = dist.run("--tx", host.tx, "--fetch", "*.log")
    for pid in dist_run.processes(dist.cookie):
        os.kill(pid, signal.SIGKILL)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    files = {path.rpartition("/")[2]: text for path, text in came(dist).items()}
    assert files["quiet.log"] == b"quiet" and files["busy.log"].startswith(b"line\n"), ran


def test_a_limit_is_said(dist, host):  # noqa: F811
    dist.write(it="""
        import os
        def test_it():
            with open(os.environ["DIST_ARTIFACTS_DIR"] + "/huge", "wb") as file:
                file.truncate(300 << 20)
            with open(os.environ["DIST_ARTIFACTS_DIR"] + "/small", "wb") as file:
                file.write(b"x")
        """)
    ran = dist.run("--tx", host.tx)
    assert ran.status == 0, ran
    assert "1 file of 314572800 bytes left there: at most 10000 files and 256 MiB" in (
        ran.out + ran.err), ran
    assert list(came(dist).values()) == [b"x"]


def test_coverage_is_combined_here(dist, host):  # noqa: F811
    """With paths of this machine, and no setting that says so."""
    pytest.importorskip("pytest_cov")
    dist.write({"pytest.ini": "[pytest]\n", "pkg/__init__.py": "",
                ".coveragerc": "[run]\nbranch = True\nomit = */not_mine.py\n",
                "pkg/not_mine.py": "",
                "pkg/code.py": "def one():\n    return 1\n\ndef two():\n    return 2\n",
                "test_a.py": "from pkg import code\ndef test_it(): code.one()\n",
                "test_b.py": "from pkg import code\ndef test_it(): code.two()\n"})
    ran = dist.run("--dist=loadfile", "--tx", f"2*{host.tx}", "--", "--cov=pkg",
                   "--cov-report=")
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    files = [path.name for path in (dist / ".").glob(".coverage.*")]
    assert files, ran
    assert not (dist / ARTIFACTS).exists()

    def coverage(*args):
        done = subprocess.run([sys.executable, "-m", "coverage", *args], cwd=dist / ".",
                              env=environment(""), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        return done.stdout

    coverage("combine")
    coverage("json", "-o", "cov.json")
    report = json.loads((dist / "cov.json").read_text())
    assert report["meta"]["branch_coverage"], "as .coveragerc says, which is read there, too"
    found = report["files"]
    assert {os.path.normpath(path) for path in found} == {"pkg/__init__.py", "pkg/code.py"}
    assert found["pkg/code.py"]["summary"]["percent_covered"] == 100
    assert str(host.home) not in coverage("report")
    # What that run has left is still there, but not this run's.
    ran = dist.run("--tx", host.tx, "test_a.py", "--", "--cov=pkg", "--cov-report=")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    again = [path.name for path in (dist / ".").glob(".coverage.*")]
    assert again and not set(again) & set(files)


def test_what_a_killed_node_leaves_is_removed(dist, host, tmp_path):  # noqa: F811
    """The folder of a killed run is removed by the next node."""
    dist.write(it="""
        import os, pathlib
        def test_it():
            pathlib.Path(os.environ["DIST_ARTIFACTS_DIR"], "file").write_text("x")
            node = os.getppid()
            os.kill(node, 9)
        """)
    ran = dist.run("--tx", host.tx)
    # 1: the node had time to say which test ran, which is blamed.
    assert ran.status in (1, 10), ran
    dist.write(it="def test_it(): pass")
    assert dist.run("--tx", host.tx).status == 0
    # A node over ssh may outlive the run by a moment.
    dist_run.wait_until(lambda: not list(pathlib.Path(host.home).glob(".cache/dist/artifacts/*")),
                        2, "the folder is removed")
