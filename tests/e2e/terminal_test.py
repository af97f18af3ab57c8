"""The live status line: on a terminal only, and gone when the run is over."""

import os
import pty
import re
import select
import subprocess
import time

import dist_run

from ssh_rig import ssh  # noqa: F401

TESTS = """
    import pathlib, time
    def test_waits():
        pathlib.Path("waits").write_text("yes\\n")
        while not pathlib.Path("go").exists(): time.sleep(0.01)
    def test_other(): pass
    """


def read_until(fd, condition, seconds=20):
    """What comes out of the terminal until it fulfils the condition or ends."""
    data = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not condition(data):
        if select.select([fd], [], [], 0.1)[0]:
            try:
                part = os.read(fd, 65536)
            except OSError:  # EIO: the last process has closed it.
                break
            if not part:
                break
            data += part
    return data.decode(errors="replace")


def screen(text):
    """The lines that are left after carriage returns and erasures."""
    lines, column = [""], 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+|\x1b.", text):
        if token == "\n":
            lines.append("")
            column = 0
        elif token == "\r":
            column = 0
        elif token.endswith("K") and token.startswith("\x1b"):
            lines[-1] = "" if token == "\x1b[2K" else lines[-1][:column]
        elif token.endswith("J") and token.startswith("\x1b"):
            lines[-1] = lines[-1][:column]
        elif token.endswith("A") and token.startswith("\x1b"):
            for _ in range(int(token[2:-1] or 1)):
                lines.pop()
        elif not token.startswith("\x1b"):
            lines[-1] = lines[-1][:column] + token + lines[-1][column + len(token):]
            column += len(token)
    return lines


def test_live_line_on_a_terminal(dist):
    dist.write(it=TESTS)
    ours, theirs = pty.openpty()
    live = dist.start("-n", "2", stdout=theirs, stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    dist.wait_for("waits")
    shown = read_until(ours, lambda data: b"test_waits" in data)
    assert "test_waits" in shown, repr(shown)
    (dist / "go").touch()
    shown += read_until(ours, lambda data: False)
    ran = live.wait(20)
    os.close(ours)
    assert ran.status == 0
    left = screen(shown)
    assert not any("test_waits" in line for line in left), left
    assert "2 passed in" in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(left)), left
    # The cursor is visible, and nothing but what erases and colours was used.
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")


def test_stderr_alone_is_a_terminal(dist):
    """Results go to the pipe, untouched; progress to the terminal."""
    dist.write(it=TESTS)
    ours, theirs = pty.openpty()
    live = dist.start("-n", "2", stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    dist.wait_for("waits")
    shown = read_until(ours, lambda data: b"test_waits" in data)
    assert "test_waits" in shown, repr(shown)
    (dist / "go").touch()
    shown += read_until(ours, lambda data: False)
    ran = live.wait(20)
    os.close(ours)
    assert "\x1b" not in ran.out and "\r" not in ran.out
    assert "".join(screen(shown)).strip() == "", screen(shown)


def test_dumb_terminals_and_ci_get_no_live_line(dist):
    dist.write({"test_it.py": TESTS, "go": ""})
    for env in ({"TERM": "dumb"}, {"TERM": "xterm", "CI": "1"}):
        ours, theirs = pty.openpty()
        live = dist.start("-n", "2", stdout=theirs, stderr=theirs, env=env)
        os.close(theirs)
        shown = read_until(ours, lambda data: False)
        live.wait(20)
        os.close(ours)
        assert "2 passed" in shown
        # Colours, if any, but no movement.
        assert not re.search(r"\x1b\[[0-9;]*[A-Kn]|\r(?!\n)", shown), repr(shown)


def test_piped_output_has_no_escapes(dist):
    dist.write({"test_it.py": TESTS, "go": ""})
    ran = dist.run("-n", "2", env={"TERM": "xterm"})
    assert "\x1b" not in ran.out + ran.err and "\r" not in ran.out + ran.err


def test_terminal_goes_away(dist):
    """The hang-up ends the run; nothing spins on a terminal that is gone."""
    dist.write(it=TESTS)
    ours, theirs = pty.openpty()
    live = dist.start("-n", "2", stdout=theirs, stderr=theirs, env={"TERM": "xterm"},
                      start_new_session=True)
    os.close(theirs)
    dist.wait_for("waits")
    os.close(ours)  # No controlling terminal: writes fail, no signal comes.
    (dist / "go").touch()
    ran = live.wait(20)
    assert ran.status == 0, ran
    assert dist_run.read_junit(ran.junit) == {"test_it::test_waits": "passed",
                                              "test_it::test_other": "passed"}


def test_a_question_stands_until_it_is_answered(dist, ssh):
    """The passphrase of a key: no status line wipes the question out."""
    dist.write(it=TESTS)
    ssh.start("build1")
    key = ssh.world.path("locked")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    ssh.world.write("authorized_keys", ssh.world.read("locked.pub"))
    program = dist_run.program()
    command = ["dist", "--tx", ssh.spec("build1").replace("-F", f"-i {key} -F"),
               "--tx", f"popen//chdir={dist.folder}"]
    env = dist_run.environment(dist.cookie, HOME=dist.home, TERM="xterm", XDG_CACHE_HOME=None)
    pid, ours = pty.fork()
    if pid == 0:
        os.chdir(dist.folder)
        os.execve(program, command, env)
    question = f"passphrase for {key}: "
    text = read_until(ours, lambda data: data.endswith(question.encode()))
    # A test runs here meanwhile, so that there is more and more to draw.
    dist.wait_for("waits")
    text += read_until(ours, lambda data: False, 0.5)
    assert screen(text)[-1] == question, text
    os.write(ours, b"secret\n")
    (dist / "go").touch()
    text += read_until(ours, lambda data: False)
    _, status = os.waitpid(pid, 0)
    os.close(ours)
    assert os.waitstatus_to_exitcode(status) == 0, text
    assert "passphrase" not in "\n".join(screen(text)), screen(text)
