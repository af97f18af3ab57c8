"""Hosts behind commands: exec=COMMAND, directly, through pipes, through each other."""

import os
import pathlib
import signal
import subprocess

import dist_run
import pytest

# One socket as stdio, and two pipes as sshd has them.
WAYS = {"socket": "exec=sh", "pipes": "exec=cat | sh | cat", "bash": "exec=bash",
        "busybox": "exec=busybox sh"}


@pytest.fixture
def there(dist, tmp_path):
    """The environment of a host with an empty home that has the project already."""
    (tmp_path / "home").mkdir()
    return {"HOME": tmp_path / "home", "XDG_CACHE_HOME": None, "PYTEST_ADDOPTS": "--no-sync"}


def programs(there):
    return sorted(pathlib.Path(there["HOME"]).glob(".cache/dist/programs/*"))


@pytest.mark.parametrize("way", WAYS)
def test_runs_what_popen_runs_cold_and_warm(dist, there, way):
    dist.write(it="""
        import pytest
        @pytest.mark.parametrize("n", range(20))
        def test_it(n): assert n % 7
        @pytest.mark.skip
        def test_skipped(): pass
        """)
    here = dist.run("-n", "2").outcomes
    for _ in "cold", "warm":
        ran = dist.run("--tx", f"2*{WAYS[way]}", "--no-history", env=there)
        assert ran.status == 1 and ran.outcomes == here, ran
        dist_run.wait_gone(dist.cookie)
        assert len(programs(there)) == 1 or dist_run.common_programs()
    # Nothing but the cache folder.
    home = pathlib.Path(there["HOME"])
    assert [path.name for path in home.iterdir()] == [".cache"]
    assert [path.name for path in (home / ".cache").iterdir()] == ["dist"]
    assert (home / ".cache" / "dist").stat().st_mode & 0o777 == 0o700


ELSEWHERE = """
    set -e
    mount -t tmpfs t /var/tmp
    mount -t tmpfs -o "$2" t "$1"
    HOME=$1 exec sh
    """


@pytest.mark.parametrize("options", ["ro", "noexec", "size=1m"])
def test_a_home_that_is_of_no_use(dist, tmp_path, options):
    """Program and tree go where there is room for both."""
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "t", "/mnt"],
                           capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"NOT TESTED: mounting needs root: {tried.stderr.strip()}")
    (tmp_path / "home").mkdir()
    (tmp_path / "enter.sh").write_text(ELSEWHERE)
    dist.write(it="""
        import os
        def test_it():
            assert __file__.startswith(f"/var/tmp/dist-{os.getuid()}/trees/"), __file__
        """)
    host = f"exec=unshare -m sh '{tmp_path}/enter.sh' '{tmp_path}/home' {options}"
    ran = dist.run("--tx", host, env={"XDG_CACHE_HOME": None})
    assert ran.status == 0 and ran.counts == {"passed": 1}, ran
    dist_run.wait_gone(dist.cookie)


def test_one_node_for_all_workers_of_a_host(dist, there):
    dist.write(it="""
        import os, pathlib, time
        def wait(mine, other):
            pathlib.Path(mine).write_text(f"{os.getppid()}\\n")
            while not pathlib.Path(other).exists(): time.sleep(0.01)
        def test_one(): wait("one", "two")
        def test_two(): wait("two", "one")
        """)
    ran = dist.run("--tx", "exec=sh", "--tx", "exec=sh//env:A=1", "--maxschedchunk=1",
                   "--no-sync", env=there)
    assert ran.status == 0, ran
    assert dist.read("one") == dist.read("two")


def test_what_tests_see(dist, there):
    """The environment is the command's, but for this machine's interpreter."""
    dist.write(it="""
        import os
        def test_it():
            assert "VIRTUAL_ENV" not in os.environ
            assert os.environ["HERE"] == "1" and os.environ["MORE"] == "2"
            assert os.getcwd() == os.environ["PROJECT"]
            mask = os.umask(0)
            os.umask(mask)
            assert mask == 0o027
            assert os.environ.get("LD_LIBRARY_PATH") == "/nonexistent"
        """)
    ran = dist.run("--tx", f"exec=umask 027; sh//env:MORE=2//chdir={dist.folder}",
                   env={**there, "HERE": 1, "PROJECT": dist.folder,
                        "VIRTUAL_ENV": "/nonexistent", "LD_LIBRARY_PATH": "/nonexistent"})
    assert ran.status == 0, ran


def test_no_socket_listens(dist, there):
    dist.write(it="""
        import os, pathlib
        def sockets(pid):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                link = os.readlink(f"/proc/{pid}/fd/{fd}")
                if link.startswith("socket:"): yield link[8:-1]
        def test_it():
            tcp = "".join(pathlib.Path("/proc/net", name).read_text()
                          for name in ("tcp", "tcp6", "udp", "udp6")
                          if pathlib.Path("/proc/net", name).exists())
            inodes = {line.split()[9] for line in tcp.splitlines() if ":" in line[:6]}
            mine = set(sockets(os.getppid()))
            assert mine and not mine & inodes
        """)
    ran = dist.run("--tx", WAYS["pipes"], env=there)
    assert ran.status == 0, ran


def test_a_host_that_cannot_be_used_is_said_and_left_out(dist, there):
    dist.write(it="def test_it(): pass")
    ran = dist.run("--tx", "exec=nosuchcommand", "--tx", "exec=echo denied >&2; exit 5",
                   "--tx", "exec=sh", env=there)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert "host nosuchcommand: no POSIX shell answered: exit status 127: " in ran.out
    assert "\nhelp: the command must reach a POSIX shell, such as sh\n" in ran.out
    assert "answered: exit status 5: denied\n" in ran.out


def test_no_usable_host(dist, there):
    dist.write(it="def test_it(): pass")
    ran = dist.run("--tx", "exec=nosuchcommand", env=there)
    assert ran.status == 11, ran
    ran = dist.run("--tx", "exec=sh//python=/nonexistent/python", env=there)
    assert ran.status == 11, ran
    assert "host sh: /nonexistent/python: No such file or directory" in ran.out


def test_no_bundle(dist, there, tmp_path):
    dist.write(it="def test_it(): pass")
    ran = dist.run("--tx", "exec=sh", env={**there, "DIST_BUNDLES": tmp_path / "none"})
    assert ran.status == 11, ran
    assert f"put a bundle for it into {tmp_path}/none" in ran.out


def test_interrupted_while_it_connects(dist, there):
    dist.write(it="def test_it(): pass")
    live = dist.start("--tx", "exec=touch waits; sleep 1000; true", "--tx",
                      "exec=trap '' TERM HUP INT; touch too; sleep 1000; true", env=there)
    dist_run.wait_until(lambda: (dist / "waits").exists() and (dist / "too").exists())
    live.signal(signal.SIGINT)
    ran = live.wait(10)
    assert ran.status == 2, ran
    dist_run.wait_gone(dist.cookie, 0.5)


WAITING = """
    import os, pathlib, signal, subprocess, time
    def wait(name):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        pathlib.Path(name).write_text(f"{os.getppid()}\\n")
        while not pathlib.Path("go").exists(): time.sleep(0.01)
    def test_one(): wait("one")
    def test_two(): wait("two")
    """


@pytest.mark.parametrize("way", ["socket", "pipes"])
def test_coordinator_is_killed(dist, there, way):
    dist.write(it=WAITING)
    live = dist.start("--tx", f"2*{WAYS[way]}//chdir={dist.folder}", "--maxschedchunk=1",
                      env=there)
    dist.wait_for("one"), dist.wait_for("two")
    live.signal(signal.SIGKILL)
    live.process.wait(10)
    dist_run.wait_gone(dist.cookie, 2.0)
    live.process.stdout.close()
    live.process.stderr.close()


def start_waiting(dist, there, way):
    """A run of two tests that wait: it, its node's pid, and the processes on its host."""
    dist.write(it=WAITING)
    live = dist.start("--tx", f"2*{WAYS[way]}//chdir={dist.folder}", "--maxschedchunk=1",
                      env=there)
    node = int(dist.wait_for("one")[0])
    dist.wait_for("two")
    processes = set(dist_run.processes(dist.cookie)) - {live.pid}
    for name in ("one", "two"):
        (dist / name).unlink()
    return live, node, processes


@pytest.mark.parametrize("way", ["socket", "pipes"])
def test_node_is_killed(dist, there, way):
    """The host is reached again, and what ran there runs again."""
    live, node, first = start_waiting(dist, there, way)
    os.kill(node, signal.SIGKILL)
    dist_run.wait_until(lambda: not any(map(dist_run.alive, first)), 5, "old processes end")
    assert dist.wait_for("one") != [str(node)]
    (dist / "go").touch()
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert ": the node is gone" in ran.out and "; replaced" in ran.out


def test_a_node_falls_silent(dist, there):
    """Nothing has ended, so only its silence tells: after 30 s another one does its work."""
    live, node, first = start_waiting(dist, there, "pipes")
    os.kill(node, signal.SIGSTOP)
    assert dist.wait_for("one", 45) != [str(node)]
    dist_run.wait_until(lambda: not any(map(dist_run.alive, first)), 5, "old processes end")
    (dist / "go").touch()
    ran = live.wait(30)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert "silent for 3" in ran.out and "; replaced" in ran.out
    dist_run.wait_gone(dist.cookie)


def test_one_host_dies_and_others_do_its_work(dist, there):
    """Sweeping up after it must not touch the others."""
    dist.write(it="""
        import os, pathlib, time
        def test_victim():
            me = pathlib.Path("me")
            if not me.exists():
                me.write_text("x")
                os.kill(os.getppid(), 9)
                time.sleep(1000)
        """, more="""
        import pytest, time
        @pytest.mark.parametrize("n", range(30))
        def test_it(n): time.sleep(0.02)
        """)
    ran = dist.run("--tx", "exec=sh", "--tx", "exec=bash", "--tx", "2*popen", "--no-sync",
                   env=there)
    assert (ran.status, ran.counts) == (0, {"passed": 31}), ran


def test_through_another_host(dist, there):
    dist.write(it="""
        import os
        def test_it(): assert os.environ["WAY"] == "a b 'c'"
        """)
    ran = dist.run("--tx", "exec=WAY=\"a b\"; export WAY; sh//id=outer", "--tx",
                   "exec=WAY=\"$WAY 'c'\"; cat | sh | cat//via=outer//id=inner",
                   "--dist=each", "-v", env=there)
    assert ran.status == 1, ran
    assert "[outer]" in ran.out
    assert ran.counts == {"passed": 1, "failed": 1}, ran
    ran = dist.run("--tx", "exec=nosuchcommand//id=outer", "--tx", "exec=sh//via=outer",
                   env=there)
    assert ran.status == 11, ran
    assert "through nosuchcommand: no POSIX shell answered: exit status 127" in ran.out
