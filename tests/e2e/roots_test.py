"""Hosts with another C library, or none: roots entered by exec=chroot.

The roots are made once (tests/tools/make_root.sh), which takes a mirror of
Debian and root. Nothing is written to them: home and /tmp are mounts of the
run's own.
"""

import subprocess

import dist_run
import pytest

ENTER = """
    set -e
    root=$1 project=$2
    mount -t tmpfs -o mode=700 t $root/home
    mount -t tmpfs t $root/tmp
    mount -t tmpfs t $root/var/tmp
    mkdir $root/home/project
    mount --bind $project $root/home/project
    [ ! -d $root/proc ] || mount -t proc p $root/proc
    HOME=/home exec /usr/sbin/chroot $root sh
    """


@pytest.fixture
def enter(dist, tmp_path):
    """A function from the name of a root to the command that enters it."""
    script = tmp_path / "enter.sh"
    script.write_text(ENTER)

    def command(name):
        made = subprocess.run(["tests/tools/make_root.sh", name], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if made.returncode == 77:
            pytest.skip(f"NOT TESTED: {made.stderr.strip()}")
        assert made.returncode == 0, made.stderr
        tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "t", "/mnt"])
        if tried.returncode != 0:
            pytest.skip("NOT TESTED: mounting needs root")
        return f"unshare -m sh {script} {made.stdout.strip()} {dist.folder}"
    return command


@pytest.mark.parametrize("name, python", [("bullseye", "3.9"), ("trixie", "3.13")])
def test_debian(dist, enter, name, python):
    dist.write(it="""
        import os, sys, subprocess, pytest
        def test_there():
            assert os.getcwd() == os.path.expanduser("~/project")
            assert not [name for name in os.environ if name.startswith("LD_")]
            assert subprocess.run(["true"]).returncode == 0
        @pytest.mark.parametrize("n", range(10))
        def test_it(n): assert n != 3
        """)
    ran = dist.run("--tx", f"2*exec={enter(name)}//chdir=/home/project",
                   "-p", "no:cacheprovider")
    assert ran.status == 1 and ran.counts == {"passed": 10, "failed": 1}, ran
    assert f"Python {python}." in ran.out
    dist_run.wait_gone(dist.cookie)


def test_busybox_only(dist, enter):
    """The node runs there; what is missing is Python, and that is said."""
    dist.write(it="def test_it(): pass")
    ran = dist.run("--tx", f"exec={enter('busybox')}")
    assert ran.status == 11, ran
    assert ": no python3 or python along PATH" in ran.out, ran


def test_two_platforms_at_once(dist, enter):
    dist.write(it="def test_it(): pass")
    folder = "chdir=/home/project"
    ran = dist.run("--dist=each", "-p", "no:cacheprovider",
                   "--tx", f"exec={enter('bullseye')}//id=old//{folder}",
                   "--tx", f"exec={enter('trixie')}//id=new//{folder}", "--tx", "popen")
    assert (ran.status, ran.counts) == (0, {"passed": 3}), ran
