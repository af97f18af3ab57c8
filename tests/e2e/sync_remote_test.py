"""Syncing to other hosts: a real sshd, and a command that reaches a shell.

Trees are of the hosts' own, below a home of the test's own. $MAKE_TREE is the
table of trees, else tests/support/make_tree in the runfiles.
"""

import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

import serve_rig
from dist_run import alive, environment, program, wait_gone, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import sshd  # noqa: E402

MAKE_TREE = os.path.abspath(os.environ.get("MAKE_TREE") or "tests/support/make_tree")


class Host:
    def __init__(self, tx, home):
        self.tx = tx
        self.home = pathlib.Path(home)

    @property
    def trees(self):
        return sorted(self.home.glob(".cache/dist/trees/*/*/tree"))

    @property
    def tree(self):
        (tree,) = self.trees
        return tree

    def left_over(self):
        """What a run that has ended must not leave."""
        return [path for path in self.home.rglob("*") if path.name in ("stage", ".dist-stage")]


@pytest.fixture(params=["exec", "socket", "ssh"])
def host(request, tmp_path, dist):
    if request.param == "exec":
        home = tmp_path / "home of host"
        home.mkdir()
        yield Host(f"exec=HOME='{home}'; export HOME; unset XDG_CACHE_HOME; cd; sh", home)
        return
    if request.param == "socket":
        home = tmp_path / "home of host"
        server = serve_rig.Served(dist, tmp_path, "--key-file", dist.home / ".config/dist/key",
                                  home=home, DIST_E2E=None)
        yield Host(server.spec, home)
        server.stop()
        return
    if not os.access(sshd.SSHD, os.X_OK):
        pytest.skip("NOT TESTED: no sshd")
    (tmp_path / "ssh").mkdir()
    world = sshd.SshWorld(tmp_path / "ssh")
    with sshd.Sshd(world, "build1"):
        yield Host(f"ssh=-F {world.config} build1", world.home)


PROJECT = {
    "pytest.ini": "[pytest]\naddopts = -p no:cacheprovider\npython_functions = test_* check_*\n",
    "conftest.py": "import pytest\n@pytest.fixture\ndef answer(): return 42\n",
    "mypkg/__init__.py": "VALUE = 7\n",
    "mypkg/data/values.txt": "1 2 3",
    "mypkg/tests/__init__.py": "",
    "mypkg/tests/unit/__init__.py": "",
    "mypkg/tests/unit/conftest.py": "import pytest\n@pytest.fixture\ndef near(): return 43\n",
    "mypkg/tests/unit/test_it.py": """
        import os, pathlib
        import mypkg
        def check_it(answer, near, request):
            assert (answer, near, mypkg.VALUE) == (42, 43, 7)
            assert request.config.rootpath == pathlib.Path.cwd()
            assert request.config.inipath.name == "pytest.ini"
            assert pathlib.Path("mypkg/data/values.txt").read_text() == "1 2 3"
            assert __name__ == "mypkg.tests.unit.test_it"
            assert request.node.nodeid == "mypkg/tests/unit/test_it.py::check_it"
        """,
}


def git(dist, *args):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *args],
                   cwd=dist / ".", check=True, capture_output=True)


def said(ran):
    """(changes, bytes) of what was synced, from -v."""
    found = re.search(r": synced to .*: (\d+) changes, (\d+) bytes of contents", ran.out)
    assert found, ran
    return int(found.group(1)), int(found.group(2))


def passes(ran, count=1):
    assert (ran.status, ran.counts) == (0, {"passed": count}), ran
    return ran


def test_a_project_without_git(dist, host):
    dist.write(PROJECT)
    passes(dist.run("--tx", f"2*{host.tx}"))
    assert (host.tree / "mypkg/data/values.txt").read_text() == "1 2 3"


def test_a_project_as_git_lists_it(dist, host):
    dist.write(PROJECT)
    dist.write({".gitignore": "*.log\nbuild/\n", "big.log": "x", "build/out.txt": "x",
                "gone.txt": "x", "new.txt": "not added"})
    git(dist, "init", "-q")
    git(dist, "add", "mypkg", "gone.txt", "conftest.py", "pytest.ini")
    git(dist, "commit", "-qm", "a")
    (dist / "gone.txt").unlink()
    passes(dist.run("--tx", host.tx))
    assert sorted(path.name for path in host.tree.iterdir() if path.name != "__pycache__") == [
        "conftest.py", "mypkg", "new.txt", "pytest.ini"]


@pytest.mark.parametrize("packages", [True, False])
def test_the_manuals_own_example(dist, host, packages):
    """From the folder above the package, as pytest-xdist's manual has it."""
    files = dict(PROJECT)
    if not packages:
        for name in "mypkg/__init__.py", "mypkg/tests/__init__.py", "mypkg/tests/unit/__init__.py":
            del files[name]
        files["mypkg/tests/unit/test_it.py"] = """
            import pathlib
            def check_it(answer, near):
                assert (answer, near) == (42, 43)
                assert pathlib.Path("mypkg/data/values.txt").exists()
                assert __name__ == "test_it"
            """
    dist.write(files)
    dist.write({"other/not_needed.txt": "x"})
    passes(dist.run("-d", "--rsyncdir", "mypkg", "--tx", host.tx, "mypkg/tests/unit"))
    assert not (host.tree / "other").exists()


def test_a_run_in_a_subfolder_runs_there(dist, host):
    """The test's own path, ini file, conftest.py and data mean the same."""
    dist.write({"pytest.ini": "[pytest]\n", "conftest.py": "", "values.txt": "1",
                "sub/test_it.py": """
        import os, pathlib
        def test_it(request):
            assert pathlib.Path.cwd().name == "sub"
            assert request.config.rootpath == pathlib.Path.cwd().parent
            assert pathlib.Path("../values.txt").read_text() == "1"
            assert request.node.nodeid == "sub/test_it.py::test_it"
        """})
    passes(dist.run("--tx", host.tx, "test_it.py", cwd=dist / "sub"))
    passes(dist.run("--tx", host.tx, cwd=dist / "sub"))
    passes(dist.run("--tx", host.tx, str(dist / "sub/test_it.py::test_it"), cwd=dist / "sub"))


def test_what_changes_is_all_that_is_sent(dist, host):
    dist.write({"test_it.py": "import a\ndef test_it(): assert a.A == 1", "a.py": "A = 1\n",
                "old.py": "", "text.txt": "x" * 1000})
    run = ("-v", "--tx", host.tx, "test_it.py")
    first = said(passes(dist.run(*run)))
    assert first[1] > 1000
    bytecode = {path: path.stat().st_mtime_ns for path in host.tree.rglob("*.pyc")}
    assert bytecode, "Python keeps its bytecode there"
    assert said(passes(dist.run(*run))) == (0, 0)
    (dist / "text.txt").write_text("other")
    (dist / "old.py").unlink()
    assert said(passes(dist.run(*run))) == (2, 5)
    assert (host.tree / "text.txt").read_text() == "other"
    assert not (host.tree / "old.py").exists()
    # Bytecode is as valid there as it is here.
    assert {path: path.stat().st_mtime_ns for path in bytecode} == bytecode
    # Contents that this host had are not sent again.
    (dist / "text.txt").write_text("x" * 1000)
    assert said(passes(dist.run(*run))) == (1, 0)
    os.utime(dist / "text.txt", (1, 1))
    assert said(passes(dist.run(*run))) == (1, 0)
    (dist / "a.py").unlink()
    assert dist.run(*run).status != 0
    assert not list(host.tree.rglob("a.*.pyc")), "stale bytecode"
    assert not host.left_over()


class CountingProxy:
    """A port that leads to another one; counts what goes there."""

    def __init__(self, port):
        self.to, self.sent = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here, _ = self.listener.accept()
            there = socket.create_connection(("127.0.0.1", self.to))
            for pair in (here, there, True), (there, here, False):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    def copy(self, source, target, counted):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.sent += len(data) if counted else 0
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture(params=["exec", "ssh"])
def counted(request, tmp_path):
    """A host, and a function that returns how many bytes have gone to it."""
    if request.param == "exec":
        home = tmp_path / "home of host"
        home.mkdir()
        sent = tmp_path / "sent"
        yield (Host(f"exec=HOME='{home}'; export HOME; unset XDG_CACHE_HOME; cd; "
                    f"tee -a '{sent}' | sh", home), lambda: sent.stat().st_size)
        return
    if not os.access(sshd.SSHD, os.X_OK):
        pytest.skip("NOT TESTED: no sshd")
    (tmp_path / "ssh").mkdir()
    world = sshd.SshWorld(tmp_path / "ssh")
    with sshd.Sshd(world, "build1") as server:
        proxy = CountingProxy(server.port)
        world.configure(f"Host build1\n  HostName 127.0.0.1\n  Port {proxy.port}\n"
                        f"  HostKeyAlias [127.0.0.1]:{server.port}")
        yield Host(f"ssh=-F {world.config} build1", world.home), lambda: proxy.sent


def test_of_a_large_file_only_what_changed_crosses(dist, counted):
    host, sent = counted
    dist.write({"test_it.py": "def test_it(): pass"})
    large = bytearray(random.Random(1).randbytes(8 << 20))
    (dist / "large.bin").write_bytes(large)
    run = ("-v", "--tx", host.tx, "test_it.py")
    passes(dist.run(*run))
    assert sent() > len(large)
    large[5 << 20:5 << 20] = b"inserted"
    (dist / "large.bin").write_bytes(large)
    before = sent()
    changes, received = said(passes(dist.run(*run)))
    assert (changes, received < 50_000) == (1, True), received
    assert sent() - before < 150_000, "with all else that a run needs"
    assert (host.tree / "large.bin").read_bytes() == large
    assert not host.left_over()


def test_no_sync(dist, host):
    dist.write(PROJECT)
    ran = dist.run("--tx", host.tx, "--no-sync", "mypkg/tests/unit")
    assert ran.status == 4 and "not found" in ran.out + ran.err, ran
    passes(dist.run("--tx", f"{host.tx}//chdir={dist.folder}", "--no-sync"))
    passes(dist.run("--tx", f"{host.tx}//chdir={dist.folder}"))
    assert not host.trees


def test_chdir_with_rsyncdir(dist, host, tmp_path):
    dist.write(PROJECT)
    passes(dist.run("--tx", f"{host.tx}//chdir={tmp_path}/a/b", "--rsyncdir", "."))
    (host.home / "python").symlink_to(sys.executable)
    spec = f"{host.tx}//python=~/python//chdir=~/work"
    passes(dist.run("--tx", spec, "--rsyncdir", "."))
    passes(dist.run("--tx", spec, "--no-sync"))
    assert list((host.home / "work").iterdir())
    assert (tmp_path / "a/b/mypkg/data/values.txt").exists() and not host.trees


def test_paths_are_those_of_this_machine(dist, host):
    """A user who clicks on a path has the file."""
    dist.write({"pytest.ini": "[pytest]\n", "helper.py": "def fail(): raise ValueError('no')\n",
                "sub/test_it.py": """
        import os, sys, warnings
        sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
        import helper, pytest
        def test_fails(): helper.fail()
        def test_warns(): warnings.warn("look out")
        @pytest.mark.skip(reason="no")
        def test_skipped(): pass
        def test_says(): raise ValueError(__file__)
        """, "sub/test_broken.py": "import nosuchmodule\n"})
    for style in "auto", "native", "short", "line":
        ran = dist.run("--tx", host.tx, "-rs", f"--tb={style}", "sub")
        assert ran.status == 1, ran
        tree = str(host.tree)
        # What a test has seen stays as it was.
        out = "\n".join(line for line in (ran.out + ran.err).splitlines()
                        if "ValueError: " not in line)
        assert tree not in out, ran
        assert f"rootdir: {dist.folder}, configfile: pytest.ini\n" in ran.out
        if style in ("auto", "short"):
            assert "\nhelper.py:1: " in ran.out and "\nsub/test_it.py:5: " in ran.out, ran
        if style == "native":
            assert f'File "{dist.folder}/helper.py", line 1, in fail' in ran.out, ran
        assert f"  {dist.folder}/sub/test_it.py:6: UserWarning: look out" in ran.out, ran
        assert "SKIPPED [1] sub/test_it.py:7: no" in ran.out, ran
        if style == "auto":
            assert f"E   ValueError: {tree}/sub/test_it.py\n" in ran.out, ran
    ran = dist.run("--tx", host.tx, "-s", "test_it.py", cwd=dist / "sub")
    assert "\n../helper.py:1: " in ran.out and "\ntest_it.py:5: " in ran.out, ran
    junit = pathlib.Path(dist.junit).read_text()
    assert "helper.py:1: ValueError" in junit


def test_what_tests_see(dist, host):
    dist.write({"test_it.py": """
        import os
        def test_it():
            # The workers' own, and nothing of the coordinator's environment.
            names = sorted(name for name in os.environ if name.startswith("DIST"))
            assert names == ["DIST_ARTIFACTS_DIR", "DIST_RUN_ID"]
            assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"
            assert os.environ["MORE"] == "1"
        """})
    passes(dist.run("--tx", f"{host.tx}//env:MORE=1", env={"DIST_E2E": None}))


def test_two_runs_at_once(dist, host):
    """Each in a tree of its own, that the other's end leaves alone."""
    dist.write({"test_it.py": """
        import os, pathlib, time
        def test_it():
            pathlib.Path(os.environ["SIGNS"], f"{os.getpid()}").write_text(os.getcwd())
            while not pathlib.Path(os.environ["SIGNS"], "go").exists(): time.sleep(0.01)
            assert pathlib.Path("value").read_text() == os.environ["VALUE"]
        """})
    signs = dist / "../signs"
    signs.mkdir()
    ran = {}

    def start(value):
        (dist / "value").write_text(value)
        live = dist.start("--tx", f"{host.tx}//env:SIGNS={signs}//env:VALUE={value}")
        thread = threading.Thread(target=lambda: ran.update({value: live.wait()}))
        thread.start()
        return thread

    one = start("1")
    wait_until(lambda: len(list(signs.iterdir())) == 1)
    two = start("2")
    wait_until(lambda: len(list(signs.iterdir())) == 2)
    assert len({path.read_text() for path in signs.iterdir()}) == 2
    (signs / "go").touch()
    one.join(), two.join()
    passes(ran["1"]), passes(ran["2"])


def tree_names():
    return subprocess.run([MAKE_TREE, "list"], check=True, capture_output=True,
                          text=True).stdout.split()


def same(here, there):
    return subprocess.run([MAKE_TREE, "same", here, there], capture_output=True, text=True,
                          check=False).stdout


def test_every_tree_arrives_as_it_is(dist, host):
    every_tree_arrives(dist, host.tx, lambda: host.tree)


def test_every_tree_arrives_in_a_chdir_folder(dist, tmp_path):
    every_tree_arrives(dist, f"popen//chdir={tmp_path}/there", lambda: tmp_path / "there")


def every_tree_arrives(dist, tx, tree):
    """The table of tests/sync, through a link; then all of it deleted."""
    names = [name for name in tree_names() if name != "Deep"]
    for name in names:
        folder = dist / name
        folder.mkdir()
        subprocess.run([MAKE_TREE, "make", name, folder], check=True)
    # As deep as a path may be, so it cannot be below its name.
    subprocess.run([MAKE_TREE, "make", "Deep", dist / "."], check=True)
    dist.write({"test_it.py": "def test_it(): pass"})
    run = ("-v", "--tx", tx, "--rsyncdir", ".", "test_it.py")
    ran = dist.run(*run)
    assert ran.status == 0, ran
    assert len(list(tree().iterdir())) > 20
    assert same(dist / ".", tree()) == ""
    assert said(dist.run(*run)) == (0, 0)
    for name in [*names, "d"]:
        shutil.rmtree(dist / name)
    assert dist.run(*run).status == 0
    assert same(dist / ".", tree()) == ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("when", ["first", "changed"])
def test_a_sync_that_is_stopped(dist, host, number, when):
    """The host has the old tree or none; the next run is as if nothing was."""
    dist.write({"test_it.py": "def test_it(): pass"})
    if when == "changed":
        passes(dist.run("--tx", host.tx))
    (dist / "large.bin").write_bytes(os.urandom(150_000_000))
    dist.write({"test_it.py": "def test_a(): pass\ndef test_b(): pass"})
    live = dist.start("--tx", host.tx)
    # The host's own hint that contents have begun to come.
    begun = "*/stage/*" if when == "changed" else "*/first/large.bin"
    wait_until(lambda: list(host.home.glob(f".cache/dist/trees/*/{begun}")))
    locks = [str(path) for path in host.home.glob(".cache/dist/trees/*/*/lock")]
    nodes = holders(locks)
    assert nodes
    live.signal(number)
    live.process.wait(20)
    live.process.stdout.close()
    live.process.stderr.close()
    # It may have to wait for the disk; dist serve kills one that is not gone after 5 s.
    wait_until(lambda: not any(map(alive, nodes)), 7 if host.tx.startswith("socket") else 3,
               "the node is gone")
    wait_gone(dist.cookie)
    assert not host.left_over()
    assert not list(host.home.glob(".cache/dist/trees/*/*/*/large.bin"))
    if when == "changed":
        assert (host.tree / "test_it.py").read_text() == "def test_it(): pass"
    else:
        assert not host.trees
    (dist / "large.bin").write_bytes(b"small")
    passes(dist.run("--tx", host.tx), 2)
    assert same(dist / ".", host.tree) == ""


def holders(paths):
    """Processes that have one of the files open."""
    found = []
    for fd in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(fd) in paths:
                found.append(int(fd.parts[2]))
        except OSError:
            continue
    return found


@pytest.fixture
def small_disk(host):
    """The host's cache is on a disk of 40 MB; dist's own program fits."""
    cache = host.home / ".cache"
    cache.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", cache],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"NOT TESTED: a small disk needs mount: {made.stderr.strip()}")
    yield cache
    subprocess.run(["umount", "-l", cache], check=True)


def test_a_full_disk(dist, host, small_disk):
    dist.write({"test_it.py": "def test_it(): pass"})
    passes(dist.run("--tx", host.tx))
    (dist / "large.bin").write_bytes(os.urandom(60_000_000))
    ran = dist.run("--tx", host.tx)
    assert ran.status == 11, ran
    assert "No space left on device" in ran.out + ran.err, ran
    assert (host.tree / "test_it.py").exists() and not (host.tree / "large.bin").exists()
    assert not host.left_over()
    (dist / "large.bin").unlink()
    passes(dist.run("--tx", host.tx))


def test_a_folder_that_cannot_be_written(dist, host, tmp_path):
    """As root only a file system can refuse."""
    there = tmp_path / "readonly"
    there.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", there],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"NOT TESTED: a read-only folder needs mount: {made.stderr.strip()}")
    try:
        dist.write({"test_it.py": "def test_it(): pass"})
        ran = dist.run("--tx", f"{host.tx}//chdir={there}/sub", "--rsyncdir", ".")
        assert ran.status == 11, ran
        assert "Read-only file system" in ran.out + ran.err, ran
        assert str(there) in ran.out + ran.err, ran
        ran = dist.run("--tx", f"{host.tx}//chdir={there}/sub", "--tx", "popen",
                       "--rsyncdir", ".")
        passes(ran)
    finally:
        subprocess.run(["umount", "-l", there], check=True)


def test_one_snapshot_for_hosts_and_this_machine(dist, host, tmp_path):
    dist.write({"test_it.py": "import pathlib\ndef test_it(): pathlib.Path('here').touch()"})
    other = tmp_path / "other home"
    other.mkdir()
    ran = dist.run("--dist=each", "--tx", host.tx, "--tx", "popen", "--tx",
                   f"exec=HOME='{other}'; export HOME; unset XDG_CACHE_HOME; sh")
    passes(ran, 3)
    assert (dist / "here").exists() and (host.tree / "here").exists()
    assert len(list(other.glob(".cache/dist/trees/*/0/tree/here"))) == 1


def test_nothing_is_left_but_the_cache(dist, host):
    dist.write({"test_it.py": "def test_it(): pass"})
    passes(dist.run("--tx", host.tx))
    assert os.listdir(host.home) == [".cache"]
    assert os.listdir(host.home / ".cache") == ["dist"]
    for path in (host.home / ".cache/dist").rglob("*"):
        assert path.is_symlink() or path.stat().st_uid == os.geteuid()
    assert (host.home / ".cache/dist").stat().st_mode & 0o777 == 0o700
