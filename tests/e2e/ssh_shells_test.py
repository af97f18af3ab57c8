"""ssh= with every login shell that somebody may have, as ordinary users on real servers."""

import pathlib
import shutil

import pytest

from ssh_rig import account, ssh  # noqa: F401

# Start files of all of them; which of them a shell reads is its affair.
NOISE = {
    ".bashrc": "echo 'Welcome to bash'; echo careful >&2\n",
    ".cshrc": "echo 'Welcome to csh'\n",
    ".profile": "echo 'Welcome to sh'\n",
    ".config/fish/config.fish": "echo 'Welcome to fish'; echo careful >&2\n",
}


@pytest.fixture(params=["/bin/sh", "/bin/dash", "/bin/bash", "/bin/bsd-csh", "/usr/bin/tcsh",
                        "/usr/bin/fish", "busybox ash"])
def shell(request, ssh):
    program = request.param.split()[0]
    if not shutil.which(program):
        pytest.skip(f"NOT TESTED: no {program}")
    if program != "busybox":
        return program
    # It is the shell whose name it is called by.
    path = ssh.folder / request.param.split()[1]
    path.symlink_to(shutil.which(program))
    return str(path)


def test_an_ordinary_user(dist, ssh, account, shell):
    dist.write(it="""
        import getpass, os
        def test_it():
            assert getpass.getuser().startswith("diste")
            assert os.environ["SHELL"] == os.environ["EXPECTED"]
            assert os.getcwd().startswith(os.environ["HOME"] + "/.cache/dist/trees/")
        """)
    name, home = account(shell)
    for file, text in NOISE.items():
        path = home / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = sorted(path.name for path in home.iterdir())
    ssh.start("build1", home=home, env=f"USER={name} LOGNAME={name}")
    for _ in range(2):  # Cold and warm.
        ran = dist.run("--tx", ssh.spec("build1", name + "@") + f"//env:EXPECTED={shell}")
        assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    # fish notes its version in a folder of its own.
    after = {path.name for path in home.iterdir()} - {".local"}
    assert sorted(after) == sorted(before + [".cache"])
    assert (home / ".cache/dist").stat().st_mode & 0o777 == 0o700
    assert len(list((home / ".cache/dist/programs").iterdir())) == 1


def test_an_account_without_a_shell(dist, ssh, account):
    """Its own words are said."""
    dist.write(it="def test_it(): pass")
    name, home = account("/usr/sbin/nologin")
    ssh.start("build1", home=home)
    ran = dist.run("--tx", ssh.spec("build1", name + "@"))
    assert ran.status == 11, ran
    assert ("host build1: no POSIX shell answered: exit status 1: "
            "This account is currently not available.\nhelp: ") in ran.out, ran
    assert sorted(pathlib.Path(home).glob(".cache/*")) == []
