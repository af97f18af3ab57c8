"""ssh= against real servers on loopback: what runs, and where."""

import ctypes
import getpass
import os
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import dist_run
import pytest

from ssh_rig import network, ssh, sshd  # noqa: F401

# One test waits for the other: both of two hosts have to take part.
MEET = {
    "conftest.py": "import pytest\n@pytest.fixture\ndef answer(): return 42\n",
    "pytest.ini": "[pytest]\n",
    "data/values.txt": "1 2 3",
    "test_it.py": """
        import os, pathlib, time, pytest
        @pytest.mark.parametrize("n", range(20))
        def test_it(n, answer):
            assert answer == 42
            assert pathlib.Path("data/values.txt").read_text() == "1 2 3"
            meet = pathlib.Path(os.environ["MEET"])
            (meet / os.environ["NAME"]).touch()
            end = time.monotonic() + 30
            while len(list(meet.iterdir())) < int(os.environ["PARTS"]):
                assert time.monotonic() < end
                time.sleep(0.01)
        """,
}


def meet(tmp_path, *specs):
    """--tx of the specs, each of which has to run a test."""
    folder = tmp_path / "meet"
    folder.mkdir()
    return [word for i, spec in enumerate(specs) for word in
            ("--tx", f"{spec}//env:MEET={folder}//env:NAME={i}//env:PARTS={len(specs)}")]


def places(ran):
    """{host: {worker}} of the tests in the JUnit report."""
    found = {}
    for case in ElementTree.parse(ran.junit).getroot().iter("testcase"):
        words = {p.get("name"): p.get("value") for p in case.iter("property")}
        found.setdefault(words["host"], set()).add(words["worker"])
    return found


def test_a_synced_project_runs_here_and_there(dist, ssh, tmp_path):
    dist.write(MEET)
    ssh.start("build1")
    for _ in range(2):  # Cold and warm.
        ran = dist.run("-d", *meet(tmp_path, "2*" + ssh.spec("build1"), "popen"))
        assert (ran.status, ran.counts) == (0, {"passed": 20}), ran
        assert sorted(places(ran)) == ["build1", "localhost"], places(ran)
        assert places(ran)["build1"] <= {"gw0", "gw1"}
        assert places(ran)["localhost"] == {"gw2"}
        shutil.rmtree(tmp_path / "meet")
    assert len(ssh.programs()) == 1 or dist_run.common_programs()
    assert ssh.left() == []


def test_one_login_for_all_workers_of_a_host(dist, ssh):
    dist.write(it="import pytest\n@pytest.mark.parametrize('n', range(8))\n"
                  "def test_it(n): pass")
    server = ssh.start("build1")
    ran = dist.run("--tx", "4*" + ssh.spec("build1"))
    assert (ran.status, ran.counts) == (0, {"passed": 8}), ran
    assert server.log().count("Accepted publickey") == 1
    assert server.log().count("Starting session") == 1


def test_arguments_stand_in_the_spec(dist, ssh):
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1")
    key = ssh.folder / "other_key"
    ssh.world.make_key("other_key")
    ssh.world.write("authorized_keys", ssh.world.read("other_key.pub"))
    ssh.world.write("bare", f"Host *\n  UserKnownHostsFile {ssh.world.path('known_hosts')}\n"
                    "  IdentityAgent none\n")
    spec = (f"ssh=-p {server.port} -i {key} -F {ssh.world.path('bare')} "
            f"{getpass.getuser()}@127.0.0.1")
    ran = dist.run("-d", "--tx", spec)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert list(places(ran)) == ["127.0.0.1"]
    # Not by a key that it would have found anyway.
    without = spec.replace(f"-i {key} ", "")
    ran = dist.run("-d", "--tx", without)
    assert ran.status == 11 and "there is no key to try" in ran.out, ran


WAYS = pytest.mark.parametrize("way", ["--ssh=libssh", "--ssh=openssh"])


@WAYS
def test_who_logs_in(dist, ssh, way):
    """User of the configuration; -l, -o and user@ go before it."""
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1")
    ssh.world.configure("Host build1\n  User distnobody")
    for option, who in ("", "distnobody"), ("-l distother ", "distother"):
        ran = dist.run(way, "--tx", ssh.spec("build1").replace("-F", option + "-F"))
        assert ran.status == 11, ran
        assert f"Invalid user {who} from" in server.log()
    me = getpass.getuser()
    for spec in (ssh.spec("build1").replace("-F", f"-l {me} -F"),
                 ssh.spec("build1").replace("-F", f"-o User={me} -F"),
                 ssh.spec("build1", user=f"{me}@")):
        ran = dist.run(way, "--tx", spec)
        assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


@WAYS
def test_a_configuration_that_includes_another(dist, ssh, way):
    """Port, IdentityFile and UserKnownHostsFile of it; -o goes before it."""
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1")
    ssh.world.write("top", f"Include {ssh.world.config}\n")
    spec = f"ssh=-F {ssh.world.path('top')} build1"
    ran = dist.run(way, "--tx", spec)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert server.log().count("Accepted publickey") == 1
    for option, words in ((f"Port={sshd.free_port()}", "connection refused"),
                          ("UserKnownHostsFile=/dev/null", "host key")):
        ran = dist.run(way, "--tx", spec.replace("-F", f"-o {option} -F"))
        assert ran.status == 11 and words in ran.out.lower(), ran


@WAYS
@pytest.mark.parametrize("where", ["-J", "ProxyJump"])
def test_a_jump_host(dist, ssh, way, where):
    dist.write(it="def test_it(): pass")
    gate = ssh.start("gate")
    inner = ssh.start("inner")
    spec = ssh.spec("inner")
    if where == "-J":
        spec = spec.replace("-F", "-J gate -F")
    else:
        ssh.world.configure("Host inner\n  ProxyJump gate")
    ran = dist.run(way, "--tx", spec)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    for server in gate, inner:
        assert server.log().count("Accepted publickey") == 1, server.log()


def test_two_hosts_at_once(dist, ssh, tmp_path):
    """Both install the program into one home at the same time."""
    dist.write(MEET)
    ssh.start("build1")
    ssh.start("build2")
    ran = dist.run(*meet(tmp_path, "2*" + ssh.spec("build1"), "2*" + ssh.spec("build2")))
    assert (ran.status, ran.counts) == (0, {"passed": 20}), ran
    assert sorted(places(ran)) == ["build1", "build2"]
    assert len(ssh.programs()) == 1 or dist_run.common_programs()


def test_each_host_runs_all(dist, ssh):
    dist.write(it="def test_it(): pass")
    ssh.start("build1")
    ssh.start("build2")
    ran = dist.run("--dist", "each", "--tx", ssh.spec("build1"), "--tx", ssh.spec("build2"))
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert sorted(places(ran)) == ["build1", "build2"]


def test_a_host_that_only_another_one_reaches(dist, ssh, network):
    dist.write(it="""
        import os
        def test_it(): assert os.environ["SSH_CONNECTION"].split()[2] == "127.0.0.2"
        """)
    ssh.start("gate", host=network.address, before=network.enter)
    ssh.start("inner", host="127.0.0.2", before=network.enter)
    alone = dist.run("--tx", ssh.spec("inner"))
    assert alone.status == 11 and "connection refused" in alone.out.lower(), alone
    ran = dist.run("--tx", ssh.spec("inner").replace("-F", "-J gate -F"))
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    dist.write(it="def test_it(): pass")
    ran = dist.run("--dist", "each", "--tx", ssh.spec("gate") + "//id=gate",
                   "--tx", ssh.spec("inner") + "//via=gate")
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert sorted(places(ran)) == ["gate", "inner via gate"]


@pytest.fixture
def ssh_calls(tmp_path):
    """(PATH with an ssh program that notes how it is called, those calls)."""
    tools = tmp_path / "tools"
    tools.mkdir()
    log = tmp_path / "calls"
    (tools / "ssh").write_text(f"#!/bin/sh\necho \"$*\" >>{log}\nexec /usr/bin/ssh \"$@\"\n")
    (tools / "ssh").chmod(0o755)
    # -G only asks for the configuration.
    return f"{tools}:{os.environ['PATH']}", lambda: [
        line for line in log.read_text().splitlines() if "-G" not in line.split()]


@pytest.mark.parametrize("option, logins", [(None, 0), ("auto", 0), ("libssh", 0),
                                            ("openssh", 1)])
def test_the_user_chooses_what_ssh_is_done_with(dist, ssh, ssh_calls, option, logins):
    dist.write(it="def test_it(): pass")
    ssh.start("build1")
    path, calls = ssh_calls
    ran = dist.run("--tx", "2*" + ssh.spec("build1"), *([f"--ssh={option}"] if option else []),
                   env={"PATH": path})
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert len(calls()) == logins, calls()


def test_dist_toml_sets_it_too(dist, ssh, ssh_calls):
    dist.write({"dist.toml": "ssh = 'openssh'\n", "test_it.py": "def test_it(): pass"})
    ssh.start("build1")
    path, calls = ssh_calls
    ran = dist.run("--tx", ssh.spec("build1"), env={"PATH": path})
    assert (ran.status, len(calls())) == (0, 1), ran


@pytest.mark.parametrize("option, words", [
    ("auto", "using the ssh program, because its configuration has CertificateFile"),
    ("libssh", "libssh does without CertificateFile, which its configuration has")])
def test_what_the_user_should_know_is_said_once(dist, ssh, option, words):
    """Whether the connection is made or not."""
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1")
    ssh.world.configure("Host build1\n  CertificateFile /nowhere")
    arguments = ("--ssh", option, "--tx", "2*" + ssh.spec("build1"))
    ran = dist.run(*arguments)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert (ran.out + ran.err).count(f"host build1: {words}") == 1, ran
    server.stop()
    ran = dist.run(*arguments)
    assert ran.status == 11, ran
    assert (ran.out + ran.err).count(f"host build1: {words}") == 1, ran
    assert "refused" in (ran.out + ran.err).lower(), ran


NOISE = "echo Welcome to dist-bootstrap-1 run; seq 1 2000; echo dist-bootstrap >&2\n"


def test_a_noisy_start_file(dist, ssh):
    dist.write(it="def test_it(): pass")
    (ssh.home / ".bashrc").write_text(NOISE)
    ssh.start("build1")
    for _ in range(2):
        ran = dist.run("--tx", ssh.spec("build1"))
        assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_nothing_listens(dist, ssh):
    """Neither the coordinator, nor the node, nor the tests' process."""
    dist.write(it="""
        import os, pathlib
        def inodes(pid):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try: target = os.readlink(f"/proc/{pid}/fd/{fd}")
                except OSError: continue
                if target.startswith("socket:"): yield target[8:-1]
        def test_it():
            listening = set()
            for name in ("tcp", "tcp6"):
                for line in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]:
                    words = line.split()
                    if words[3] == "0A": listening.add(words[9])
            assert listening  # The server's, at least.
            for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
                words = line.split()
                if int(words[3], 16) & 0x10000: listening.add(words[6])
            me = pathlib.Path(os.environ["ME"])
            while not me.exists() or not me.read_text().endswith("\\n"): pass
            coordinator = int(me.read_text())
            assert os.readlink(f"/proc/{coordinator}/exe").endswith("dist")
            assert list(inodes(coordinator))
            for pid in (coordinator, os.getppid(), os.getpid()):
                assert not listening & set(inodes(pid)), pid
        """)
    ssh.start("build1")
    live = dist.start("--tx", f"{ssh.spec('build1')}//env:ME={dist / 'me'}")
    pathlib.Path(dist / "me").write_text(f"{live.pid}\n")
    ran = live.wait()
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_libssh_is_the_systems():
    """Found when dist starts, so that its security updates count, and new enough."""
    linked = subprocess.run(["ldd", dist_run.program()], capture_output=True, text=True, check=True)
    assert re.search(r"libssh\.so\.4 => (/usr)?/lib/", linked.stdout), linked.stdout
    libssh = ctypes.CDLL("libssh.so.4")
    libssh.ssh_version.restype = ctypes.c_char_p
    assert libssh.ssh_version(0x000a06), libssh.ssh_version(0)  # 0.10.6 or newer.
