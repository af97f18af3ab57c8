"""`dist serve --dial` and `dist --listen` with the real program at both ends."""

import pathlib
import random
import re
import signal
import socket
import stat
import subprocess

import dist_run
import pytest

from dial_rig import dial, key, line, listen, make_key  # noqa: F401
from serve_rig import serve  # noqa: F401

WAITING = """
    import os, pathlib, pytest, time
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        pathlib.Path(os.environ["MEET"], str(n)).write_text(f"{os.getpid()} {os.getppid()}")
        while not pathlib.Path(os.environ["MEET"], "go").exists(): time.sleep(0.01)
    """


def meet(tmp_path, count=2):
    """The processes that run the tests of WAITING, (process, node) each."""
    files = [tmp_path / str(n) for n in range(count)]
    for file in files:
        dist_run.wait_until(lambda: file.exists() and file.read_text(), 30, file)
    return [tuple(map(int, file.read_text().split())) for file in files]


def test_two_hosts_come_and_the_run_begins(dist, listen, dial):
    dist.write({"data/values.txt": "1 2 3"}, it="""
        import os, pathlib, pytest, time
        @pytest.mark.parametrize("n", range(20))
        def test_it(n):
            time.sleep(0.02)
            assert pathlib.Path("data/values.txt").read_text() == "1 2 3"
            assert n % 7
        """)
    here = dist.run("-n", "2").outcomes
    run = listen("--wait-hosts", "2", where="2*127.0.0.1:0")
    first = dial(run.address)
    name = re.match(r"dist \S+ offers (\S+) to ", first.said[0])[1]
    run.wait_for(f"dist: 1 of 2 hosts there: {name}\n")
    assert run.live.process.poll() is None and "run begins" not in first.log()
    second = dial(run.address)
    ran = run.wait()
    assert ran.status == 1 and ran.outcomes == here, ran
    assert f"{name} #2" in ran.out, ran
    for host in (first, second):
        host.wait_for("the run has ended")
        assert host.log().count("a run begins") == 1  # However many workers.


def test_hosts_come_back_for_the_edited_project(dist, listen, dial):
    dist.write(it="def test_it(): pass")
    run = listen()
    host = dial(run.address)
    assert run.wait().counts == {"passed": 1}
    dist.write(it="def test_new(): pass\ndef test_more(): pass")
    ran = listen(where=run.address).wait()
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    host.wait_for("refused")  # Nothing listens any more.
    assert host.stop() == 0


def test_options_of_the_place_and_other_hosts_beside(dist, listen, dial, tmp_path):
    dist.write(it="""
        import os
        def test_it(): assert os.environ.get("WORD") == os.environ.get("EXPECTED")
        """)
    run = listen("--dist", "each", "--tx", "popen//id=here",
                 where="2*127.0.0.1:0//env:WORD=w//env:EXPECTED=w//id=there")
    dial(run.address)
    ran = run.wait()
    assert (ran.status, ran.counts) == (0, {"passed": 3}), ran


def test_doctor_and_plan(dist, listen, dial):
    dist.write(it="def test_it(): pass")
    for verb, words in (("doctor", ["same ("]), ("plan", ["predicted"])):
        log = dist.folder.parent / f"{verb}.log"
        with open(log, "wb") as errors:
            process = subprocess.Popen(
                [dist_run.program(), verb, "--listen", "127.0.0.1:0"], cwd=dist.folder,
                stdout=subprocess.PIPE, stderr=errors, text=True,
                env=dist_run.environment(dist.cookie, HOME=dist.home, XDG_CACHE_HOME=None,
                                         XDG_CONFIG_HOME=None))
        found = dist_run.wait_until(lambda: re.search(r"hosts at (\S+)\nkey: (\S+) ",
                                                      log.read_text()))
        host = dial(found[1], "--once", key=found[2])
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and all(word in out for word in words), out
        assert host.process.wait(20) == 0


def test_the_key_is_made_where_hosts_come_to(dist, listen, dial):
    dist.write(it="def test_it(): pass")
    run = listen(env={"DIST_KEY_FILE": None, "XDG_CONFIG_HOME": None})
    assert run.key == dist.home / ".config/dist/key"
    assert stat.S_IMODE(run.key.stat().st_mode) == 0o600
    assert "), new\nthere, with that key: dist serve --dial 127.0.0.1:" in run.err()
    dial(run.address, "--once", key=run.key)
    assert run.wait().status == 0


def test_wrong_key(dist, listen, dial, key, tmp_path):
    """It is said at both ends, and the run goes on waiting for one with the right key."""
    dist.write(it="def test_it(): pass")
    run = listen()
    wrong = make_key(tmp_path / "other")
    stranger = dial(run.address, key=wrong)
    stranger.wait_for(f"dist serve: {run.address} has another key than {wrong} (dist1:")
    stranger.wait_for("\nhelp: copy the key file that dist --listen names there")
    run.wait_for("the other side has another key")
    assert run.err().count("1 of 1") == 0
    dial(run.address)
    assert run.wait().status == 0
    assert "a run begins" not in stranger.log()


def test_serve_dial_without_a_key(dist, tmp_path):
    done = subprocess.run(
        [dist_run.program(), "serve", "--dial", "127.0.0.1:1", "--key-file", tmp_path / "none"],
        env=dist_run.environment(dist.cookie, HOME=dist.home), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (f"dist: key file {tmp_path}/none: there is none\nhelp: copy it from "
                           "where dist serve or dist --listen runs, which says where it is there; "
                           "--key-file FILE names another one\n")


def test_the_two_ways_are_not_mixed_up(dist, listen, dial, serve):
    dist.write(it="def test_it(): pass")
    server = serve()
    host = dial(server.spec[7:], key=server.key)
    host.wait_for(f"{server.spec[7:]} is a dist serve, which waits for runs\nhelp: use it with "
                  "dist --tx socket=")
    run = listen()
    ran = dist.run("--tx", f"socket={run.address}", env={"DIST_KEY_FILE": run.key})
    assert ran.status == 11 and "is a dist --listen, which waits for hosts" in ran.out, ran


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 2), (signal.SIGTERM, -15)])
def test_stopped_while_it_waits(dist, listen, dial, number, status):
    dist.write(it="def test_it(): pass")
    run = listen("--wait-hosts", "2")
    host = dial(run.address)
    run.wait_for("1 of 2 hosts there")
    run.live.signal(number)
    ran = run.wait(10)
    assert ran.status == status and ran.out == "", ran
    assert ran.err.endswith("dist: interrupted while it waited for hosts\n"), ran
    assert not pathlib.Path(dist.junit).exists()
    host.wait_for("is gone")
    assert "a run begins" not in host.log()


def test_what_is_wrong_is_said_before_anybody_is_waited_for(dist, key):
    dist.write(it="def test_it(): pass")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for args, words in [
            (["--listen", f"127.0.0.1:{port}"],
             [f"cannot listen at 127.0.0.1:{port}: Address already in use", "help: --listen"]),
            (["--listen", "8888"], ["'listen' needs a port", "help: as in listen=0.0.0.0:8888"]),
            (["--listen", "127.0.0.1:0", "no/such/path"], ["no such file", "help:"]),
            (["--listen", "127.0.0.1:0", "--wait-hosts", "0"], ["--wait-hosts", "help:"]),
            (["--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2"], ["one place"]),
            (["--tx", "listen=127.0.0.1:0//id=a", "--tx", "exec=sh//via=a"], ["nothing leads"]),
        ]:
            ran = dist.run(*args, env={"DIST_KEY_FILE": key})
            assert ran.status == 4 and all(word in ran.err for word in words), ran
            assert ran.err.startswith("dist: "), ran


def test_a_project_cannot_open_a_port(dist):
    dist.write({"dist.toml": 'listen = ["127.0.0.1:0"]\n'}, it="def test_it(): pass")
    ran = dist.run("-n", "1")
    assert ran.status == 4 and "listen= may not come from a project's files" in ran.err, ran


def test_a_killed_host_is_replaced_by_the_next_that_comes(dist, listen, dial, tmp_path):
    dist.write(it=WAITING)
    run = listen("--wait-hosts", "2", "--maxschedchunk=1", "--no-history",
                 where=f"127.0.0.1:0//env:MEET={tmp_path}")
    hosts = [dial(run.address) for _ in range(2)]
    meet(tmp_path)
    hosts[0].stop(signal.SIGKILL)
    dial(run.address).wait_for("a run begins")
    (tmp_path / "go").touch()
    ran = run.wait()
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran


def test_a_killed_coordinator_leaves_nothing_and_is_dialled_again(dist, listen, dial, tmp_path):
    dist.write(it=WAITING)
    run = listen("--maxschedchunk=1", where=f"2*127.0.0.1:0//env:MEET={tmp_path}")
    host = dial(run.address)
    meet(tmp_path)
    run.live.signal(signal.SIGKILL)
    run.live.process.communicate()
    dist_run.wait_until(lambda: set(dist_run.processes(dist.cookie)) == {host.process.pid}, 5)
    (tmp_path / "go").touch()
    again = listen(where=f"2*{run.address}//env:MEET={tmp_path}")
    assert again.wait().counts == {"passed": 2}


def test_signals_let_the_run_end(dist, listen, dial, tmp_path):
    dist.write(it=WAITING)
    run = listen("--maxschedchunk=1", where=f"2*127.0.0.1:0//env:MEET={tmp_path}")
    host = dial(run.address)
    meet(tmp_path)
    host.process.send_signal(signal.SIGTERM)
    host.wait_for("waits for 1 run to end")
    (tmp_path / "go").touch()
    assert run.wait().counts == {"passed": 2}
    assert host.process.wait(10) == 0


def test_hostile_clients_where_hosts_come_to(dist, listen, dial, tmp_path):
    """Before the run and during it; an honest host gets in all the while."""
    dist.write(it=WAITING)
    run = listen("--wait-hosts", "2", "--maxschedchunk=1", "--no-history",
                 where=f"127.0.0.1:0//env:MEET={tmp_path}")
    address = tuple(run.address.rsplit(":", 1))
    noise = random.Random(7)
    crowd = []

    def annoy():
        for n in range(150):
            crowd.append(socket.create_connection(address))
            crowd[-1].setblocking(False)
            data = b"\x16\x03\x01" if n % 2 else noise.randbytes(noise.randrange(1, 3000))
            try:
                crowd[-1].send(data)
            except OSError:
                pass
    annoy()
    hosts = [dial(run.address)]
    annoy()
    hosts.append(dial(run.address))
    meet(tmp_path)
    annoy()
    hosts[1].stop(signal.SIGKILL)
    annoy()
    dial(run.address).wait_for("a run begins")
    (tmp_path / "go").touch()
    ran = run.wait()
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert ran.err.count("\n") < 40, ran
    for each in crowd:
        each.close()


def test_no_port_but_one_and_none_afterwards(dist, listen, dial, tmp_path):
    dist.write(it=WAITING)
    run = listen("--maxschedchunk=1", where=f"2*127.0.0.1:0//env:MEET={tmp_path}")
    dial(run.address)
    meet(tmp_path)
    told = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout
    pids = [f"pid={pid}," for pid in dist_run.processes(dist.cookie)]
    ours = [row for row in told.splitlines() if any(pid in row for pid in pids)]
    assert [row.split()[3] for row in ours] == [run.address], told
    (tmp_path / "go").touch()
    assert run.wait().status == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(tuple(run.address.rsplit(":", 1)))


def test_ipv6_and_both_at_once(dist, listen, dial):
    dist.write(it="def test_it(): pass")
    run = listen("--wait-hosts", "2", where="[::]:0")
    port = run.address.rpartition(":")[2]
    dial(f"[::1]:{port}")
    dial(f"127.0.0.1:{port}")
    assert run.wait().status == 0


def test_a_host_in_another_network(dist, listen, dial, line):
    """Nobody can connect to it there; it comes."""
    dist.write(it="def test_it(): pass")
    run = listen(where=f"2*{line.HERE}:0", prefix=line.inside(line.here))
    host = dial(run.address, "--once", prefix=line.inside(line.there))
    ran = run.wait()
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert host.process.wait(10) == 0


def test_a_line_that_goes_dead(dist, listen, dial, line, tmp_path):
    """No FIN, no RST: both ends find out, and nothing keeps running there."""
    dist.write(it=WAITING)
    run = listen("--maxschedchunk=1", "--no-history", "--tx", f"popen//env:MEET={tmp_path}",
                 where=f"{line.HERE}:0//env:MEET={tmp_path}", prefix=line.inside(line.here))
    host = dial(run.address, prefix=line.inside(line.there))
    pids = [pid for pid, _ in meet(tmp_path)]
    line.cut()
    # Its test ends within 20 s of silence there, and is run here instead.
    host.wait_for("the run has ended", 40)
    assert sum(map(dist_run.alive, pids)) == 1
    (tmp_path / "go").touch()
    ran = run.wait(90)
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert host.stop() == 0
