"""What tests may do to the process that they live in."""
import os

from plugin_driver import DEADLINE


def test_standard_descriptors_closed_and_all_low_ones_flooded(run):
    worker = run(
        "-s",
        test_a="""
        import os
        def test_flood():
            for fd in range(256):
                try: os.write(fd, b"garbage" * 1000)
                except OSError: pass
        def test_close():
            os.closerange(0, 3)
        def test_after(): pass
        """,
    )
    assert worker.kinds() == "HLSDSDSDZ"


def test_captured_output_is_the_nodes_to_read(start):
    """The files are those that a running test's output is in; they are handed over once, and only where there are any."""
    worker = start(
        test_a="""
        import os, sys
        def test_before(): print("done with")
        def test_dies():
            print("to stdout", end="")
            print("to stderr", end="", file=sys.stderr)
            os.kill(os.getpid(), 9)
        """,
    )
    worker.until("L")
    worker.run(0, 1)
    worker.until_end()
    assert [os.pread(fd, 100, 0) for fd in worker.captures] == [b"to stdout", b"to stderr"]


def test_nothing_is_handed_over_where_nothing_is_captured_in_files(start):
    for capture in "no", "sys", "tee-sys":
        worker = start("--capture=" + capture, test_a="def test_1(): pass")
        worker.until("L")
        worker.finish()
        assert worker.until_end().captures == []


def test_control_descriptor_is_high_and_not_inherited(run):
    worker = run(
        test_a="""
        import os, stat, subprocess, sys
        def is_socket(fd):
            try: return stat.S_ISSOCK(os.fstat(fd).st_mode)
            except OSError: return False
        def test_1():
            sockets = [int(fd) for fd in os.listdir("/proc/self/fd") if is_socket(int(fd))]
            assert sockets and min(sockets) >= 100
            child = "import os; print([f for f in os.listdir('/proc/self/fd') if int(f) >= 100])"
            assert subprocess.check_output([sys.executable, "-c", child], close_fds=False) == b"[]\\n"
        """
    )
    assert worker.kinds() == "HLSDZ", worker.reports()


def test_children_that_fall_out_of_a_test_write_no_record(run):
    worker = run(
        test_a="""
        import os, sys
        def test_returns():
            pid = os.fork()
            if pid: assert os.waitpid(pid, 0)[1] == 0
        def test_exits():
            pid = os.fork()
            if not pid: sys.exit(3)
            assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 3
        def test_fails():
            pid = os.fork()
            assert pid
            assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 1
        """
    )
    assert worker.kinds() == "HLSDSDSDZ", worker.reports()


def test_what_was_told_before_a_crash_arrives(run):
    worker = run(test_a="import os\ndef test_1(): assert 0\ndef test_2(): os._exit(0)\ndef test_3(): pass")
    assert worker.kinds() == "HLSTDS"


def test_node_gone_ends_the_process(start):
    worker = start(test_a="def test_1(): pass")
    worker.until("L")
    worker.socket.close()
    assert worker.process.wait(DEADLINE) == 1


def test_exit_handlers_run_and_files_are_written(run):
    worker = run(
        test_a="""
        import atexit, threading
        left_open = open("left_open", "w")
        atexit.register(lambda: open("atexit", "w").write("done"))
        def test_1():
            left_open.write("text")
            threading.Thread(target=lambda: open("thread", "w").write("done")).start()
        """
    )
    contents = {name: (worker.directory / name).read_text() for name in ("left_open", "atexit", "thread")}
    assert contents == {"left_open": "text", "atexit": "done", "thread": "done"}
