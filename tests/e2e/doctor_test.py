"""dist doctor: what it says of real hosts."""

import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys

import dist_run
import pytest

from ssh_rig import ssh  # noqa: F401


def start(dist, *args, env=None):
    return dist_run.Live(dist, [dist_run.program(), "doctor", *map(str, args)],
                         dist_run.environment(dist.cookie, **(env or {})))


def doctor(dist, *args, env=None):
    return start(dist, *args, env=env).wait(60)


def rows(ran):
    """{host: line of the table} with columns two blanks apart."""
    lines = ran.out.splitlines()
    assert lines[0].split() == ["host", "connected", "system", "CPUs", "Python", "pytest",
                                "clock", "free", "cache"], ran
    table = {}
    for line in lines[1:]:
        if line.startswith(("host ", "help: ", "* ")):
            break
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        table[cells[0]] = dict(zip(("host", "connected", "system", "CPUs", "Python", "pytest",
                                    "clock", "free", "cache"), cells))
    return table


def test_this_machine(dist, tmp_path):
    ran = doctor(dist, env={"XDG_CACHE_HOME": tmp_path / "cache"})
    assert ran.status == 0, ran
    row = rows(ran)["localhost"]
    names = os.uname()
    assert row["system"] == f"{names.sysname} {names.release} {names.machine}"
    assert row["Python"] == platform.python_version()
    assert row["pytest"] == pytest.__version__
    assert row["clock"].startswith("same (")
    assert row["cache"] == str(tmp_path / "cache/dist")
    assert "*" not in ran.out


def test_usable_cpus_are_those_of_the_affinity(dist):
    def count(*words):
        command = [*words, dist_run.program(), "doctor"]
        return rows(dist_run.Live(dist, command, dist_run.environment(dist.cookie))
                    .wait())["localhost"]["CPUs"]
    if os.cpu_count() < 2:
        pytest.skip("NOT TESTED: one CPU only")
    assert count("taskset", "-c", "0") == f"1 of {os.cpu_count()}"


def test_a_shell_elsewhere(dist, tmp_path):
    ran = doctor(dist, "--tx", "4*exec=sh", env={"XDG_CACHE_HOME": tmp_path / "cache"})
    assert ran.status == 0, ran
    assert sorted(rows(ran)) == ["localhost", "sh"]
    assert rows(ran)["sh"]["cache"] == str(tmp_path / "cache/dist")


def test_hosts_over_ssh(dist, ssh):
    server = ssh.start("build1")
    ssh.start("gone").stop()
    ran = doctor(dist, "--tx", "4*" + ssh.spec("build1"))
    assert ran.status == 0, ran
    assert rows(ran)["build1"]["cache"] == f"{ssh.home}/.cache/dist"
    assert server.log().count("Accepted publickey") == 1
    assert ssh.left() == []
    # Some.
    ran = doctor(dist, "--tx", ssh.spec("build1"), "--tx", "2*" + ssh.spec("gone"))
    assert ran.status == 10, ran
    assert rows(ran)["gone"]["connected"] == "failed"
    assert ran.out.lower().count("host gone: ") == 1 and "refused" in ran.out.lower(), ran
    assert "\nhelp: " in ran.out
    # None: this machine was not asked for.
    ran = doctor(dist, "--tx", ssh.spec("gone"))
    assert ran.status == 11, ran
    assert sorted(rows(ran)) == ["gone", "localhost"]


def test_no_test_is_run_nor_any_file_read(dist, ssh):
    marker = dist / "imported"
    text = f"open({str(marker)!r}, 'w')\n"
    dist.write({"conftest.py": text, "test_it.py": text})
    (ssh.home / "conftest.py").write_text(text)
    ssh.start("build1")
    ran = doctor(dist, "--tx", "popen", "--tx", ssh.spec("build1"))
    assert ran.status == 0, ran
    assert not marker.exists()


def test_an_interpreter_without_pytest(dist, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec /usr/bin/python3 -I -S \"$@\"\n")
    python.chmod(0o755)
    ran = doctor(dist, "--tx", "popen", "--tx", f"popen//python={python}")
    assert ran.status == 10, ran
    row = rows(ran)[f"localhost python={python}"]
    assert (row["Python"], row["pytest"]) == ("-", "-")
    assert f"host localhost python={python}: " in ran.out and "pytest" in ran.out, ran


def test_a_cache_that_others_may_write_to(dist, ssh):
    cache = ssh.home / ".cache/dist"
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    ssh.start("build1")
    ran = doctor(dist, "--tx", ssh.spec("build1"))
    assert ran.status == 0, ran
    assert rows(ran)["build1"]["cache"] == f"/var/tmp/dist-{os.getuid()}", ran
    assert f"since others may write to {cache}" in ran.out and "help: " in ran.out, ran


def test_differences_are_marked(dist, ssh, tmp_path):
    """A Python that says it is another one."""
    fake = tmp_path / "other"
    fake.mkdir()
    (fake / "sitecustomize.py").write_text(
        "import collections, sys\n"
        "names = 'major minor micro releaselevel serial'\n"
        "sys.version_info = collections.namedtuple('V', names)("
        "*sys.version_info[:2], 99, 'final', 0)\n")
    ssh.start("build1")
    ran = doctor(dist, "--tx", f"{ssh.spec('build1')}//env:PYTHONPATH={fake}")
    assert ran.status == 0, ran
    assert rows(ran)["build1"]["Python"] == f"{sys.version_info[0]}.{sys.version_info[1]}.99*", ran
    assert "* not as on this machine" in ran.out


def test_ctrl_c(dist, ssh):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(10)
        live = start(dist, "--tx", f"ssh=-F {ssh.world.config} -p {mute.getsockname()[1]} "
                     "127.0.0.1")
        peer, _ = mute.accept()
        with peer:
            live.signal(signal.SIGINT)
            assert live.wait(5).status == 2


def test_bad_words(dist):
    ran = doctor(dist, "--tx", "popen//pyhton=x")
    assert ran.status == 4 and "did you mean 'python'" in ran.err, ran
    ran = doctor(dist, "tests")
    assert ran.status == 4 and "doctor runs no test" in ran.err, ran
    assert pathlib.Path(dist_run.program()).exists()
    assert subprocess.run([dist_run.program(), "doctor", "--help"], check=True,
                          capture_output=True).stdout
