"""ssh= against real servers: hosts that cannot be used, and how that is said."""

import pathlib
import time

import dist_run
import pytest

from ssh_rig import network, ssh  # noqa: F401


def said_once(ran, host, words):
    """The host's trouble is one line, with one of help."""
    lines = (ran.out + ran.err).splitlines()
    found = [i for i, line in enumerate(lines) if f"host {host}: " in line]
    assert len(found) == 1, ran
    assert words.lower() in lines[found[0]].lower(), ran
    assert lines[found[0] + 1].strip().startswith("help: "), ran


@pytest.fixture(params=["libssh", "openssh"])
def way(request):
    return f"--ssh={request.param}"


def test_one_bad_host_among_good_ones(dist, ssh):
    dist.write(it="import pytest\n@pytest.mark.parametrize('n', range(8))\n"
                  "def test_it(n): pass")
    ssh.start("good")
    ssh.start("bad").stop()
    ran = dist.run("--tx", "2*" + ssh.spec("bad"), "--tx", ssh.spec("good"))
    assert (ran.status, ran.counts) == (0, {"passed": 8}), ran
    said_once(ran, "bad", "connection refused")


def test_all_hosts_are_required(dist, ssh):
    dist.write(it="import time\ndef test_it(): time.sleep(60)")
    ssh.start("good")
    ssh.start("bad").stop()
    ran = dist.run("--require-hosts=all", "--tx", ssh.spec("bad"), "--tx", ssh.spec("good"))
    assert ran.status == 11 and ran.seconds < 30, ran
    said_once(ran, "bad", "connection refused")
    assert "stopping: --require-hosts=all, and bad cannot be used" in ran.out, ran


def test_no_host_is_usable(dist, ssh, way):
    dist.write(it="def test_it(): pass")
    ssh.start("bad").stop()
    ran = dist.run(way, "--tx", ssh.spec("bad"), "--tx", ssh.spec("nobody@bad2.invalid"))
    assert ran.status == 11, ran
    said_once(ran, "bad", "connection refused")
    said_once(ran, "bad2.invalid", "unknown host bad2.invalid: ")


def test_an_unknown_host_key(dist, ssh, way):
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1", known=False)
    # No option makes it known.
    for more in "", "-o StrictHostKeyChecking=no ", "-o StrictHostKeyChecking=accept-new ":
        ran = dist.run(way, "--tx", ssh.spec("build1").replace("-F", more + "-F"))
        assert ran.status == 11, ran
        said_once(ran, "build1", "not known")
        assert "SHA256:" in ran.out + ran.err, ran
        assert ssh.world.read("known_hosts") == ""
    assert "Accepted" not in server.log()


def test_a_changed_host_key(dist, ssh, way):
    dist.write(it="def test_it(): pass")
    server = ssh.start("build1", known=False)
    ssh.world.make_key("old_key")
    ssh.world.write("known_hosts",
                    f"[127.0.0.1]:{server.port} {ssh.world.read('old_key.pub')}")
    ran = dist.run(way, "--tx",
                   ssh.spec("build1").replace("-F", "-o StrictHostKeyChecking=no -F"))
    assert ran.status == 11, ran
    said_once(ran, "build1", "changed")
    assert "THE HOST KEY OF " in ran.out + ran.err, ran
    assert "SHA256:" in ran.out + ran.err, ran
    assert "known_hosts:1" in ran.out + ran.err, ran
    assert "Accepted" not in server.log()


def test_no_key_is_accepted(dist, ssh):
    dist.write(it="def test_it(): pass")
    ssh.start("build1")
    ssh.world.write("authorized_keys", "")
    ran = dist.run("--tx", ssh.spec("build1"))
    assert ran.status == 11, ran
    said_once(ran, "build1", "user_key")


@pytest.mark.parametrize("python", [None, "#!/bin/sh\nexec /usr/bin/python3 -I -S \"$@\"\n"],
                         ids=["no python", "no pytest"])
def test_a_host_without_pytest(dist, ssh, python):
    dist.write(it="def test_it(): pass")
    tools = ssh.folder / "bin"
    tools.mkdir()
    for path in pathlib.Path("/usr/bin").iterdir():
        if not path.name.startswith(("python", "pytest", "py.test")):
            (tools / path.name).symlink_to(path)
    if python:
        (tools / "python3").write_text(python)
        (tools / "python3").chmod(0o755)
    ssh.start("bare", env=f"PATH={tools}")
    ran = dist.run("--tx", ssh.spec("bare"))
    assert ran.status == 11, ran
    text = ran.out + ran.err
    assert ("pytest" in text if python else "python" in text) and "help: " in text, ran
    assert "bare" in text, ran
    # The others do its work.
    ran = dist.run("--tx", ssh.spec("bare"), "--tx", "popen")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def mounted(home, options):
    """What a server is started by that sees another file system as its home."""
    home.mkdir()
    return ("unshare", "--mount", "sh", "-c",
            f"mount -t tmpfs {options} dist {home} && exec \"$@\"", "sh")


@pytest.mark.parametrize("options", ["-o ro", "-o size=64k"], ids=["read-only", "full"])
def test_a_home_that_can_hold_nothing(dist, ssh, root, options):
    """Program, tree and artifacts go to the next folder."""
    dist.write(it="""
        import os
        def test_it():
            assert os.getcwd().startswith(f"/var/tmp/dist-{os.getuid()}/trees/"), os.getcwd()
            open(os.environ["DIST_ARTIFACTS_DIR"] + "/x", "w").close()
        """)
    home = ssh.folder / "home1"
    ssh.start("build1", home=home, before=mounted(home, options))
    for _ in range(2):
        ran = dist.run("--tx", ssh.spec("build1"))
        assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert list((dist / "dist-artifacts").rglob("x")), ran


def test_no_folder_can_hold_the_program(dist, ssh, root):
    dist.write(it="def test_it(): pass")
    home = ssh.folder / "home1"
    before = mounted(home, "-o noexec")
    # The last words: after the rig's own mounts.
    server = ssh.start("build1", home=home, before=before, last=(
        "sh", "-c", "mount -o remount,ro /dev/shm && mount -o remount,size=64k /var/tmp && "
        "exec \"$@\"", "sh"))
    ran = dist.run("--tx", ssh.spec("build1"))
    assert ran.status == 11, ran
    said_once(ran, "build1", "no folder there can hold the node program: ")
    for words in (f"{home}/.cache/dist: programs cannot be executed there: ",
                  "/var/tmp/dist-0: no space left: ", "/dev/shm/dist-0: ",
                  "Read-only file system"):
        assert words in ran.out, ran
    assert server.log().count("Accepted publickey") == 1


def test_a_platform_without_a_program(dist, ssh):
    dist.write(it="def test_it(): pass")
    tools = ssh.folder / "bin"
    tools.mkdir()
    for path in pathlib.Path("/usr/bin").iterdir():
        (tools / path.name).symlink_to(path)
    (tools / "uname").unlink()
    (tools / "uname").write_text("#!/bin/sh\necho Linux riscv64\n")
    (tools / "uname").chmod(0o755)
    ssh.start("build1", env=f"PATH={tools}")
    ran = dist.run("--tx", ssh.spec("build1"))
    assert ran.status == 11, ran
    said_once(ran, "build1", "no node program for 'Linux riscv64', only for linux-x86_64")
    assert ssh.left() == [] and ssh.programs() == []


def test_a_host_that_does_not_answer(dist, ssh, network, way):
    """Others do not wait for it, and it is left after ConnectTimeout."""
    dist.write(it="import pathlib\ndef test_it(): pathlib.Path('ran').touch()")
    ssh.start("far", host=network.address, before=network.enter)
    network.cut()
    far = ssh.spec("far").replace("-F", "-o ConnectTimeout=4 -F")
    live = dist.start(way, "--tx", far, "--tx", "popen")
    started = time.monotonic()
    dist_run.wait_until((dist / "ran").exists, 3, "the test has run here")
    ran = live.wait(20)
    assert time.monotonic() - started < 10, ran
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    said_once(ran, "far", "timed out")
