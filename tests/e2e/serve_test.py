"""`dist serve` and socket= with the real program at both ends."""

import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess

import dist_run
import pytest

from dial_rig import line  # noqa: F401
from serve_rig import serve  # noqa: F401

WAITING = """
    import os, pathlib, signal, subprocess, time
    def wait(name):
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        pathlib.Path(os.environ["MEET"], name).write_text(f"{os.getppid()}\\n")
        while not pathlib.Path(os.environ["MEET"], "go").exists(): time.sleep(0.01)
    def test_one(): wait("one")
    def test_two(): wait("two")
    """


def test_says_where_it_listens_and_what_to_type(dist, serve):
    server = serve()
    port = server.spec.rpartition(":")[2]
    assert re.fullmatch(rf"dist 0\.1\.0\+[0-9a-f]{{12}} serves at 127\.0\.0\.1:{port}",
                        server.said[0])
    assert server.key == server.home / ".config/dist/key"
    assert server.said[1].endswith("), new")
    assert server.said[2] == f"on this machine: dist --tx socket=127.0.0.1:{port}"
    assert stat.S_IMODE(server.key.stat().st_mode) == 0o600
    assert server.listens() == [int(port)]
    assert server.stop() == 0


def test_the_same_user_needs_nothing_but_the_address(dist, serve):
    """Here and there have one home, and so one key."""
    dist.write(it="def test_it(): pass")
    server = serve(home=dist.home)
    ran = dist.run("--tx", server.spec, env={"XDG_CONFIG_HOME": None})
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_runs_a_synced_project_and_then_the_edited_one(dist, serve):
    dist.write({"data/values.txt": "1 2 3"}, it="""
        import pathlib, pytest
        @pytest.mark.parametrize("n", range(20))
        def test_it(n):
            assert pathlib.Path("data/values.txt").read_text() == "1 2 3"
            assert n % 7
        """)
    server = serve()
    here = dist.run("-n", "2").outcomes
    ran = dist.run("--tx", f"4*{server.spec}", env=server.env)
    assert ran.status == 1 and ran.outcomes == here, ran
    dist.write(it="def test_new(): pass")
    ran = dist.run("--tx", f"2*{server.spec}", env=server.env)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    # One connection a run, however many workers.
    dist_run.wait_until(lambda: server.log().count("the run has ended") == 2)
    assert server.log().count("a run begins") == 2


def test_beside_other_hosts_and_on_each(dist, serve):
    dist.write(it="def test_it(): pass")
    server = serve()
    ran = dist.run("--dist", "each", "--tx", "popen//id=here", "--tx",
                   f"{server.spec}//id=there", "--tx", "exec=sh//id=shell", env=server.env)
    assert (ran.status, ran.counts) == (0, {"passed": 3}), ran


def test_doctor(dist, serve):
    server = serve()
    done = subprocess.run([dist_run.program(), "doctor", "--tx", server.spec],
                          env=dist_run.environment(dist.cookie, HOME=dist.home, **server.env),
                          capture_output=True, text=True)
    assert done.returncode == 0, done
    assert server.spec[7:] in done.stdout and "failed" not in done.stdout


def test_two_coordinators_at_once(dist, serve, tmp_path):
    dist.write(it=WAITING)
    server = serve()
    live = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        live.append(dist.start("--tx", f"2*{server.spec}//env:MEET={tmp_path / name}",
                               "--maxschedchunk=1", "--no-history", env=server.env))
    nodes = set()
    for name in ("a", "b"):
        for test in ("one", "two"):
            file = tmp_path / name / test
            nodes.add(dist_run.wait_until(lambda: file.exists() and file.read_text().strip()))
    assert len(nodes) == 2
    # One is gone; what the other runs is untouched.
    live[0].signal(signal.SIGKILL)
    live[0].process.communicate()
    dist_run.wait_until(lambda: server.log().count("the run has ended") == 1)
    (tmp_path / "b" / "go").touch()
    ran = live[1].wait()
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran


def test_killed_coordinator_leaves_nothing(dist, serve, tmp_path):
    dist.write(it=WAITING)
    server = serve()
    live = dist.start("--tx", f"2*{server.spec}//env:MEET={tmp_path}", "--maxschedchunk=1",
                      env=server.env)
    for name in ("one", "two"):
        dist_run.wait_until((tmp_path / name).exists)
    live.signal(signal.SIGKILL)
    live.process.communicate()
    dist_run.wait_until(lambda: set(dist_run.processes(dist.cookie)) == {server.process.pid}, 5)


def test_silent_coordinator(dist, serve, tmp_path):
    """It is stopped, so its machine answers, but it says nothing: the node gives up after 20 s."""
    dist.write(it=WAITING)
    server = serve()
    live = dist.start("--tx", f"2*{server.spec}//env:MEET={tmp_path}", "--maxschedchunk=1",
                      env=server.env)
    for name in ("one", "two"):
        dist_run.wait_until((tmp_path / name).exists)
    live.signal(signal.SIGSTOP)
    try:
        mine = {server.process.pid, live.pid}
        dist_run.wait_until(lambda: set(dist_run.processes(dist.cookie)) == mine, 30)
        dist_run.wait_until(lambda: "the run has ended: the node left" in server.log(), 5)
    finally:
        live.signal(signal.SIGKILL)
        live.process.communicate()


def test_crashing_tests_do_not_harm_it(dist, serve):
    dist.write(it="""
        import os, pytest, time
        @pytest.mark.parametrize("n", range(4))
        def test_crash(n): os.abort() if n % 2 else os.kill(os.getpid(), 9)
        def test_node():
            os.kill(os.getppid(), 11)
            time.sleep(1000)
        """)
    server = serve()
    ran = dist.run("--tx", f"2*{server.spec}", "-k", "crash", env=server.env)
    assert ran.status == 1 and ran.counts["crashed"] == 4, ran
    ran = dist.run("--tx", server.spec, "-k", "node", env=server.env)
    assert ran.status in (1, 10), ran
    assert server.process.poll() is None
    dist.write(it="def test_it(): pass")
    assert dist.run("--tx", server.spec, env=server.env).status == 0


def test_no_other_port_while_it_runs(dist, serve, tmp_path):
    dist.write(it=WAITING)
    server = serve()
    live = dist.start("--tx", f"2*{server.spec}//env:MEET={tmp_path}", "--maxschedchunk=1",
                      env=server.env)
    for name in ("one", "two"):
        dist_run.wait_until((tmp_path / name).exists)
    assert set(server.listens()) == {int(server.spec.rpartition(":")[2])}
    (tmp_path / "go").touch()
    assert live.wait().status == 0


def test_drains(dist, serve, tmp_path):
    dist.write(it=WAITING)
    server = serve()
    live = dist.start("--tx", f"2*{server.spec}//env:MEET={tmp_path}", "--maxschedchunk=1",
                      env=server.env)
    for name in ("one", "two"):
        dist_run.wait_until((tmp_path / name).exists)
    server.process.send_signal(signal.SIGTERM)
    dist_run.wait_until(lambda: "waits for 1 run to end" in server.log())
    late = dist.run("--tx", server.spec, env=server.env)
    assert late.status == 11 and "connection refused" in late.out, late
    (tmp_path / "go").touch()
    assert live.wait().counts == {"passed": 2}
    assert server.process.wait(10) == 0


def test_once(dist, serve):
    dist.write(it="def test_it(): pass")
    server = serve("--once")
    assert dist.run("--tx", server.spec, env=server.env).status == 0
    assert server.process.wait(10) == 0


def test_ipv6(dist, serve):
    dist.write(it="def test_it(): pass")
    server = serve("--bind", "[::1]:0")
    assert server.spec.startswith("socket=[::1]:")
    assert dist.run("--tx", server.spec, env=server.env).status == 0


def test_both_kinds_of_addresses_at_one_port(dist, serve):
    dist.write(it="def test_it(): pass")
    server = serve("--bind", "[::]:0")
    port = server.said[0].rpartition(":")[2]
    for address in "[::1]", "127.0.0.1":
        assert dist.run("--tx", f"socket={address}:{port}", env=server.env).status == 0


def test_a_line_that_goes_dead(dist, serve, line, tmp_path):
    """No FIN, no RST: the deadman ends the run there, and here its test is run elsewhere."""
    dist.write(it=WAITING)
    server = serve("--bind", f"{line.THERE}:0", prefix=line.inside(line.there))
    live = dist.start("--tx", f"{server.spec}//env:MEET={tmp_path}", "--tx",
                      f"popen//env:MEET={tmp_path}", "--maxschedchunk=1", "--no-history",
                      env=server.env, prefix=line.inside(line.here))
    nodes = {}
    for name in ("one", "two"):
        nodes[name] = dist_run.wait_until(
            lambda: (tmp_path / name).exists() and (tmp_path / name).read_text().strip())
    line.cut()
    dist_run.wait_until(lambda: "the run has ended" in server.log(), 40)
    assert sum(dist_run.alive(int(pid)) for pid in nodes.values()) == 1
    (tmp_path / "go").touch()
    ran = live.wait(90)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert server.process.poll() is None


def test_the_unit_of_the_manual(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: no systemd-analyze")
    manual = pathlib.Path("docs/serve.md").read_text()
    lines = re.search(r"^    \[Unit\]\n(?:    .*\n|\n)+", manual, re.MULTILINE)[0].splitlines()
    unit = tmp_path / "dist.service"
    unit.write_text("\n".join(line[4:] for line in lines).replace(
        "/usr/local/bin/dist", dist_run.program()).replace("User=ci", "User=root"))
    assert "ExecStart=/" in unit.read_text()
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit],
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done


def test_everywhere_says_how_to_bring_the_key(dist, serve):
    server = serve("--bind", "0.0.0.0:0")
    host = os.uname().nodename
    port = server.said[0].rpartition(":")[2]
    assert server.said[2] == (f"elsewhere: scp -p {host}:{server.key} ~/.config/dist/key, once, "
                              f"then dist --tx socket={host}:{port}")


def test_keys(dist, serve, tmp_path):
    dist.write(it="def test_it(): pass")
    server = serve()
    ran = dist.run("--tx", server.spec, env={"DIST_KEY_FILE": None})
    assert ran.status == 4, ran
    assert re.search(r"^dist: --tx socket=\S+: key file \S+: there is none\nhelp: copy", ran.err,
                     re.MULTILINE), ran
    other = serve("--key-file", tmp_path / "new" / "key")
    assert other.key == tmp_path / "new" / "key" and other.key.exists()
    ran = dist.run("--tx", server.spec, "--key-file", other.key)
    assert ran.status == 11 and f"has another key than {other.key} (dist1:" in ran.out, ran
    assert dist.run("--tx", server.spec, "--key-file", server.key).status == 0
    server.key.chmod(0o644)
    ran = dist.run("--tx", server.spec, "--key-file", server.key)
    assert ran.status == 4 and "others may read or write it" in ran.err, ran


def run_serve(dist, *args, **env):
    return subprocess.run([dist_run.program(), "serve", *map(str, args)], text=True,
                          env=dist_run.environment(dist.cookie, HOME=dist.home, **env),
                          capture_output=True, timeout=20)


def test_does_not_start_with_a_key_that_others_can_read(dist, tmp_path):
    key = tmp_path / "key"
    key.write_text("dist-key-1 " + "0" * 64 + "\n")
    key.chmod(0o640)
    done = run_serve(dist, "--bind", "0.0.0.0:0", "--key-file", key)
    assert done.returncode == 4 and done.stdout == "", done
    assert done.stderr == (f"dist: key file {key}: others may read or write it\nhelp: chmod 600 "
                           f"{key}; if somebody may have read it, remove it and let dist serve "
                           "make another one\n")


@pytest.mark.parametrize("args, words", [
    (["--bind", "8888"], ["'--bind' needs a port", "help: write --bind ADDRESS:PORT"]),
    (["--bind", "::1:8888"], ["brackets"]),
    (["--dial", "h"], ["'--dial' needs a port", "help: write --dial HOST:PORT"]),
    (["--dial", "h:1", "--bind", "[::]:1"], ["--bind and --dial", "help:"]),
    (["--onec"], ["unknown word '--onec'", "'--once'"]),
    (["--max-runs", "0"], ["--max-runs", "help:"]),
    (["--bind", "192.0.2.1:8888"], ["cannot listen at 192.0.2.1:8888", "help: --bind"]),
])
def test_usage(dist, args, words):
    done = run_serve(dist, *args)
    assert done.returncode == 4, done
    assert all(word in done.stderr for word in words), done
    assert done.stderr.startswith("dist: ") and done.stderr.count("\n") == 2, done


def test_one_file_is_all_it_needs(dist, serve, tmp_path):
    dist.write(it="def test_it(): pass")
    one = tmp_path / "served"
    shutil.copy("cli/dist-serve-linux-x86_64", one)
    for _ in "unpacks", "is unpacked":
        server = serve(program=(one,))
        assert dist.run("--tx", server.spec, env=server.env).status == 0
        assert server.stop() == 0
        cache = server.home / ".cache/dist/serve"
        assert [len(path.name) for path in cache.iterdir()] == [64]
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    shutil.rmtree(cache)
    whole = one.read_bytes()
    one.write_bytes(whole[:-5000])
    done = subprocess.run([one, "--help"], capture_output=True, text=True,
                          env=dist_run.environment(dist.cookie, HOME=server.home))
    assert done.returncode == 4 and done.stderr.endswith(
        "dist: this file is damaged\nhelp: copy it again\n"), done
    assert list(cache.iterdir()) == []


def test_a_project_cannot_bring_its_own_key(dist, serve):
    dist.write({"dist.toml": 'key-file = "k"\n'}, it="def test_it(): pass")
    ran = dist.run("-n", "1")
    assert ran.status == 4 and "--key-file may not come from a project's files" in ran.err, ran
