"""Syncing over a real link: popen with chdir= and --rsyncdir."""

import contextlib
import ctypes
import os
import random
import re
import select
import signal
import struct
import subprocess
import threading

import pytest

from dist_run import environment, program, wait_gone, wait_until


@pytest.fixture
def there(tmp_path):
    """Where the tree goes; its parent does not exist."""
    return tmp_path / "there" / "nested"


def cache(tmp_path):
    return {"XDG_CACHE_HOME": tmp_path / "cache"}


PROJECT = {
    "pytest.ini": "[pytest]\ntestpaths = pkg\n",
    "conftest.py": "import pytest\n@pytest.fixture\ndef answer(): return 42\n",
    "pkg/__init__.py": "",
    "pkg/data/values.txt": "1 2 3",
    "pkg/tests/__init__.py": "",
    "pkg/tests/test_it.py": """
        import os, pathlib
        def test_here(answer, request):
            assert answer == 42
            assert os.getcwd() == os.environ["THERE"]
            assert str(request.config.rootdir) == os.environ["THERE"]
            assert pathlib.Path("pkg/data/values.txt").read_text() == "1 2 3"
            assert __name__ == "pkg.tests.test_it"
        """,
}


def run(dist, there, *args, **options):
    spec = f"2*popen//chdir={there}//env:THERE={there}"
    return dist.run("--tx", spec, *args, **options)


def test_a_project_runs_elsewhere_as_here(dist, there, tmp_path):
    dist.write(PROJECT)
    ran = run(dist, there, "--rsyncdir", ".", "pkg/tests/test_it.py", env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert (there / "pkg/data/values.txt").read_text() == "1 2 3"
    assert not list(there.glob(".dist*"))


def test_the_manuals_own_example(dist, there, tmp_path):
    """`dist -d --rsyncdir mypkg --tx ... mypkg/tests/unit` from the folder above."""
    dist.write(PROJECT)
    dist.write({"other/not_needed.txt": "x"})
    ran = run(dist, there, "-d", "--rsyncdir", "pkg", "pkg/tests", env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert not (there / "other").exists()


def test_changes_arrive_and_what_is_not_ours_stays(dist, there, tmp_path):
    dist.write(PROJECT)
    there.mkdir(parents=True)
    (there / "mine.txt").write_text("not yours")
    arguments = ("--rsyncdir", ".", "pkg/tests/test_it.py")
    assert run(dist, there, *arguments, env=cache(tmp_path)).status == 0
    bytecode = sorted(there.rglob("test_it*.pyc"))
    before = [path.stat().st_mtime_ns for path in bytecode]
    dist.write({"pkg/data/values.txt": "changed", "pkg/data/more.txt": "new"})
    ran = run(dist, there, *arguments, env=cache(tmp_path))
    assert ran.counts == {"failed": 1}, ran
    assert (there / "pkg/data/more.txt").read_text() == "new"
    assert bytecode and [path.stat().st_mtime_ns for path in bytecode] == before
    (dist / "pkg/data/more.txt").unlink()
    run(dist, there, *arguments, env=cache(tmp_path))
    assert not (there / "pkg/data/more.txt").exists()
    assert (there / "mine.txt").read_text() == "not yours"


def test_a_run_in_a_subfolder_runs_there(dist, there, tmp_path):
    dist.write(PROJECT)
    dist.write({"pkg/tests/test_it.py": """
        import os
        def test_it(): assert os.getcwd() == os.environ["THERE"] + "/pkg"
        """})
    ran = run(dist, there, "--rsyncdir", "..", "tests/test_it.py", cwd=dist / "pkg",
              env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_absolute_paths_in_options(dist, there, tmp_path):
    """What lies in the project is there what it is here."""
    dist.write(PROJECT)
    dist.write({"pkg/old/test_old.py": "def test_old(): assert 0",
                "src/helper.py": "",
                "test_path.py": """
                    import os, helper
                    def test_path(request):
                        assert os.path.dirname(helper.__file__) == os.environ["THERE"] + "/src"
                        cut = request.config.getoption("confcutdir")
                        assert cut == os.environ["THERE"]
                    """})
    absolute = ("--rsyncdir", ".", f"--rootdir={dist.folder}", "-c", dist / "pytest.ini",
                f"--ignore={dist.folder}/pkg/old", f"--confcutdir={dist.folder}",
                "-o", f"pythonpath={dist.folder}/src")
    ran = run(dist, there, *absolute, "pkg", "test_path.py", env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    # Relative ones, of a user who is not in what is synced.
    ran = run(dist, there, "--rsyncdir", "project", "--ignore=project/pkg/old",
              "--confcutdir=project", "-o", f"pythonpath={dist.folder}/src", "project/pkg",
              "project/test_path.py", cwd=tmp_path, env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran


def test_folders_outside_the_project(dist, there, tmp_path):
    """The layout stays: what is beside the project is beside it there."""
    dist.write({"a/proj/pytest.ini": "[pytest]\n", "b/proj/values.txt": "7",
                "a/proj/test_it.py": """
        import pathlib
        def test_it(): assert pathlib.Path("../../b/proj/values.txt").read_text() == "7"
        """})
    ran = run(dist, there, "--rsyncdir", ".", "--rsyncdir", "../../b/proj", "test_it.py",
              cwd=dist / "a/proj", env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_two_folders_in_one_run(dist, tmp_path):
    dist.write({"test_it.py": "def test_it(): pass"})
    ran = dist.run("--dist", "each", "--rsyncdir", ".",
                   "--tx", f"popen//chdir={tmp_path / 'one'}",
                   "--tx", f"popen//chdir={tmp_path / 'two'}",
                   "--tx", "popen", "test_it.py", env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 3}), ran
    assert (tmp_path / "one/test_it.py").exists() and (tmp_path / "two/test_it.py").exists()


def test_verbose_says_what_was_sent(dist, there, tmp_path):
    dist.write({"test_it.py": "def test_it(): pass"})
    ran = run(dist, there, "-v", "--rsyncdir", ".", "test_it.py", env=cache(tmp_path))
    said = ran.out + ran.err
    assert f"syncs 1 file, 19 bytes, of {dist.folder}\n" in said, ran
    assert f"host localhost: synced to {there}: " in said, ran


def test_a_folder_in_the_way_is_named(dist, there, tmp_path):
    dist.write({"test_it.py": "def test_it(): pass"})
    (there / "test_it.py").mkdir(parents=True)
    ran = run(dist, there, "--rsyncdir", ".", "test_it.py", env=cache(tmp_path))
    assert ran.status == 11, ran
    assert f"{there}/test_it.py is a folder, and dist did not put it there" in ran.out + ran.err
    assert not list(there.glob(".dist*"))


def test_paths_that_are_not_synced_are_refused(dist, there):
    dist.write({"a/test_it.py": "def test_it(): pass", "b/x.txt": ""})
    ran = run(dist, there, "--rsyncdir", "b", "a/test_it.py")
    assert ran.status == 4, ran
    assert "a/test_it.py is not in what is synced" in ran.err


def test_specials_are_named_once(dist, there, tmp_path):
    dist.write({"test_it.py": "def test_it(): pass"})
    os.mkfifo(dist / "pipe")
    ran = run(dist, there, "--rsyncdir", ".", "test_it.py", env=cache(tmp_path))
    assert ran.status == 0, ran
    assert ran.err.count("pipe is not synced: it is a FIFO") == 1
    assert not (there / "pipe").exists()


def test_ini_settings_count(dist, there, tmp_path):
    dist.write({"pytest.ini": "[pytest]\nrsyncdirs = .\nrsyncignore = *.log\n",
                "test_it.py": "def test_it(): pass", "big.log": "x"})
    assert run(dist, there, "test_it.py", env=cache(tmp_path)).status == 0
    assert (there / "test_it.py").exists() and not (there / "big.log").exists()


def dry_run(dist, *args):
    return subprocess.run([program(), "sync", "--dry-run", *args], cwd=str(dist / "."),
                          capture_output=True, text=True, check=False)


def test_dry_run_lists_as_git_does(dist):
    dist.write({".gitignore": "*.log\n", "a.py": "", "b.log": "", "d/c.py": ""})
    subprocess.run(["git", "init", "-q", str(dist / ".")], check=True)
    listed = dry_run(dist)
    assert listed.returncode == 0, listed
    assert listed.stdout.splitlines()[:3] == ["a.py", "d/", "d/c.py"], listed
    told = dry_run(dist, "--explain", "b.log", "--explain", "a.py", "--explain", ".git/config")
    assert "not synced: b.log\n  git ignores it" in told.stdout
    assert "synced: a.py\n  git lists it" in told.stdout
    assert ".* (always ignored)" in told.stdout


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sync_leaves_what_was_there(dist, there, tmp_path, number):
    """No process, no temporary file; the next run is as if nothing had been."""
    dist.write({"test_it.py": "def test_it(): pass"})
    arguments = ("--rsyncdir", ".", "test_it.py")
    assert run(dist, there, *arguments, env=cache(tmp_path)).status == 0
    dist.write({"test_it.py": "def test_other(): pass"})
    (dist / "large.bin").write_bytes(os.urandom(80_000_000))
    live = dist.start("--tx", f"popen//chdir={there}", *arguments, env=cache(tmp_path))
    wait_until((there / ".dist-stage").exists, what="the first bytes")
    live.signal(number)
    live.wait()
    wait_gone(dist.cookie, 5)
    assert not (there / ".dist-stage").exists()
    assert not (there / "large.bin").exists()
    assert "test_it" in (there / "test_it.py").read_text()
    (dist / "large.bin").write_bytes(b"small")
    ran = run(dist, there, *arguments, env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert (there / "large.bin").read_bytes() == b"small"


def test_of_a_large_file_only_what_changed_is_sent(dist, there, tmp_path):
    dist.write({"test_it.py": "def test_it(): pass"})
    large = bytearray(random.Random(1).randbytes(8 << 20))
    (dist / "large.bin").write_bytes(large)
    arguments = ("-v", "--rsyncdir", ".", "test_it.py")
    ran = run(dist, there, *arguments, env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    large[5 << 20:5 << 20] = b"inserted"
    (dist / "large.bin").write_bytes(large)
    ran = run(dist, there, *arguments, env=cache(tmp_path))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert 0 < int(re.search(r"1 changes, (\d+) bytes of contents", ran.out)[1]) < 50_000
    assert (there / "large.bin").read_bytes() == large


def test_memory_does_not_grow_with_the_files(dist, there, tmp_path):
    """A sparse file of 3 GiB arrives as one, through bounded memory."""
    dist.write({"test_it.py": "def test_it(): pass"})
    with open(dist / "sparse.bin", "wb") as file:
        file.seek((3 << 30) - 4)
        file.write(b"last")
    ran = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import resource, subprocess, sys\n"
         "status = subprocess.call(sys.argv[1:])\n"
         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
         "sys.exit(status)",
         program(), "--tx", f"popen//chdir={there}", "--rsyncdir", ".", "test_it.py"],
        cwd=dist / ".", env=environment(dist.cookie, **cache(tmp_path)),
        capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran
    assert int(ran.stdout.split()[-1]) < 150_000, "KiB at most"
    arrived = (there / "sparse.bin").stat()
    assert arrived.st_size == 3 << 30 and arrived.st_blocks < 1000


@contextlib.contextmanager
def opened(path):
    """A list of one item for each time that the file was opened and closed."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    in_open, in_close_nowrite = 0x20, 0x10
    assert libc.inotify_add_watch(watch, os.fsencode(path), in_open | in_close_nowrite) > 0
    events = []
    stop = threading.Event()

    def drain():
        while True:
            last = stop.is_set()
            if select.select([watch], [], [], 0 if last else 0.05)[0]:
                # Events without a name are 16 bytes: watch, mask, cookie, length.
                data = os.read(watch, 4096)
                events.extend(mask for _, mask, _, _ in struct.iter_unpack("iIII", data)
                              if mask & in_open)
            elif last:
                return

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield events
    finally:
        stop.set()
        reader.join()
        os.close(watch)


def test_files_are_read_once_for_all_hosts(dist, tmp_path):
    """To be hashed and to be sent, however many hosts there are and whichever way they are reached."""
    dist.write({"test_it.py": "def test_it(): pass"})
    (dist / "data.bin").write_bytes(b"0123456789" * 10_000)

    def home(name):
        (tmp_path / name).mkdir()
        return f"HOME='{tmp_path / name}'; export HOME; unset XDG_CACHE_HOME"

    with opened(dist / "data.bin") as events:
        ran = dist.run("--dist=each", "--rsyncdir", ".",
                       "--tx", f"exec={home('a')}; sh//id=a", "--tx", f"exec={home('b')}; sh//id=b",
                       "--tx", f"exec={home('c')}; sh//via=b//id=c", "test_it.py")
    assert (ran.status, ran.counts) == (0, {"passed": 3}), ran
    for name in "abc":
        (tree,) = (tmp_path / name).glob(".cache/dist/trees/*/0/tree")
        assert (tree / "data.bin").stat().st_size == 100_000
    assert len(events) == 2
