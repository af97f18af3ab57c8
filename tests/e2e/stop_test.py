"""Runs that end early: by failures, by the user, by the clock."""

import pathlib
import signal
import time

import dist_run
import pytest


def test_exit_first(dist):
    dist.write(it="""
        import pytest
        def test_fails(): assert 0
        @pytest.mark.parametrize("n", range(500))
        def test_after(n): pass
        """)
    ran = dist.run("-n", "1", "-x")
    assert ran.status == 2, ran
    assert ran.counts["failed"] == 1 and ran.counts["not run"] > 400, ran
    assert "stopping after 1 failures" in ran.out


def test_maxfail_of_two_workers(dist):
    dist.write(it="""
        import pytest
        @pytest.mark.parametrize("n", range(100))
        def test_n(n): assert 0
        """)
    ran = dist.run("-n", "2", "--maxfail=2", "--tb=no")
    assert ran.status == 2, ran
    counts = ran.counts
    # What ran at that moment reports as well.
    assert 2 <= counts["failed"] <= 3, ran
    assert counts["failed"] + counts["not run"] + counts.get("passed", 0) == 100, ran


@pytest.mark.parametrize("passing", [0, 100])
def test_maxfail_is_precise(dist, passing):
    """Three failures, and of the three other workers at most one each, however quick they are."""
    dist.write(it=f"""
        import pytest
        @pytest.mark.parametrize("n", range(2000))
        def test_n(n): assert n % 200 < {passing}
        """)
    ran = dist.run("-n", "4", "--maxfail=3", "--tb=no")
    assert ran.status == 2, ran
    assert 3 <= ran.counts["failed"] <= 6, ran
    assert "stopping after 3 failures" in ran.out


def test_a_worker_goes_on_after_a_failure(dist):
    """Where --maxfail allows more; skips and expected failures are none."""
    dist.write(it="""
        import pytest
        @pytest.mark.parametrize("n", range(60))
        def test_n(n):
            if n % 3 == 0: pytest.skip()
            if n % 3 == 1: pytest.xfail()
            assert n % 2
        """)
    for mode in ["-n", "2"], ["--dist=each", "--tx", "popen"]:
        ran = dist.run(*mode, "--maxfail=100", "--tb=no")
        assert (ran.status, ran.counts) == (1, {"failed": 10, "passed": 10, "skipped": 20,
                                                "xfailed": 20}), ran


def test_crashes_count_as_failures(dist):
    dist.write(it="""
        import os, pytest
        @pytest.mark.parametrize("n", range(10))
        def test_n(n): os._exit(1)
        """)
    ran = dist.run("-n", "1", "--maxfail=2")
    assert (ran.status, ran.counts) == (2, {"crashed": 2, "not run": 8}), ran


TWO = """
    import pathlib, pytest, time
    @pytest.fixture
    def resource():
        yield
        pathlib.Path("torn_down").touch()
    def test_sleeps(resource):
        pathlib.Path("sleeps").write_text("yes\\n")
        time.sleep(1000)
    def test_other():
        while not pathlib.Path("sleeps").exists(): time.sleep(0.01)
        assert not pathlib.Path("fail").exists()
    """


def test_exit_first_while_another_sleeps(dist):
    """It is interrupted after the grace, and its fixtures are torn down."""
    dist.write({"test_it.py": TWO, "fail": ""})
    ran = dist.run("-n", "2", "-x", "--maxschedchunk=1", timeout=40)
    assert ran.status == 2, ran
    assert ran.counts == {"failed": 1, "not run": 1}, ran
    assert (dist / "torn_down").exists()
    assert ran.seconds < 20


def begin(dist, *args, **kwargs):
    """A run whose test_sleeps does, and whose other test has passed."""
    dist.write({"test_it.py": TWO})
    live = dist.start("-n", "2", "-v", "--maxschedchunk=1", *args, **kwargs)
    for line in live.process.stdout:
        if b"PASSED" in line:
            return live
    raise AssertionError(live.wait())


def test_interrupt_once(dist):
    live = begin(dist)
    live.signal(signal.SIGINT)
    ran = live.wait(20)
    assert (ran.status, ran.counts) == (2, {"passed": 1, "not run": 1}), ran
    assert (dist / "torn_down").exists()
    assert "interrupted" in ran.out
    assert ran.outcomes == {"test_it::test_other": "passed"}, ran


STUBBORN = """
    import os, pathlib, signal, subprocess, time
    def test_sleeps():
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        pathlib.Path("sleeps").write_text("yes\\n")
        while True:
            try: time.sleep(1000)
            except BaseException: pass
    """


def test_interrupt_twice_kills(dist):
    dist.write(it=STUBBORN)
    live = dist.start("-n", "1")
    dist.wait_for("sleeps")
    live.signal(signal.SIGINT)
    # Taken off the queue, so that the second is not merged with the first.
    status = pathlib.Path(f"/proc/{live.pid}/status")
    dist_run.wait_until(lambda: "ShdPnd:\t0000000000000000" in status.read_text())
    live.signal(signal.SIGINT)
    begun = time.monotonic()
    ran = live.wait(20)
    assert time.monotonic() - begun < 2.5
    assert ran.status == 2, ran
    assert "1 not run" in ran.last, ran
    dist_run.wait_gone(dist.cookie, 0.5)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_that_end_a_run(dist, name):
    live = begin(dist)
    live.signal(getattr(signal, name))
    ran = live.wait(20)
    assert ran.status == -getattr(signal, name), ran
    assert (dist / "torn_down").exists()
    assert "1 not run" in ran.last, ran
    dist_run.wait_gone(dist.cookie, 0.5)


def test_nohup(dist):
    """A hang-up that was ignored when we started stays so."""
    dist.write(it="""
        import os, pathlib, signal, time
        def test_it():
            # Our own signals are those of a fresh process.
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
            assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN  # Python's own.
            pathlib.Path("sleeps").write_text("yes\\n")
            while not pathlib.Path("go").exists(): time.sleep(0.01)
        """)
    live = dist.start("-n", "1", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    dist.wait_for("sleeps")
    live.signal(signal.SIGHUP)
    (dist / "go").touch()
    ran = live.wait(20)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_interrupt_while_collecting(dist):
    dist.write(it="""
        import pathlib, time
        pathlib.Path("sleeps").write_text("yes\\n")
        time.sleep(1000)
        """)
    live = dist.start("-n", "2")
    dist.wait_for("sleeps")
    live.signal(signal.SIGINT)
    ran = live.wait(20)
    assert ran.status == 2, ran
    assert ran.seconds < 20


@pytest.mark.parametrize("mode", [["-n", "2"], ["--dist=each", "--tx", "2*popen"]],
                         ids=["load", "each"])
def test_timeout(dist, mode):
    """Per test, from outside: not even a C loop without the GIL's help escapes."""
    dist.write(it="""
        import signal, time
        def test_before(): pass
        def test_sleeps():
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            time.sleep(1000)
        def test_spins():
            sum(range(10 ** 15))
        def test_after(): pass
        """)
    ran = dist.run(*mode, "--timeout=1", timeout=30)
    times = 1 if mode[0] == "-n" else 2
    assert (ran.status, ran.counts) == (1, {"passed": 2 * times, "timeout": 2 * times}), ran
    assert "TIMEOUT test_it.py::test_sleeps" in ran.out
    assert "ran longer than allowed, killed after 1.0" in ran.out
    if times == 1:
        assert ran.outcomes["test_it::test_sleeps"] == "timeout"


def test_timeout_does_not_hit_short_tests(dist):
    dist.write(it="""
        import pytest, time
        @pytest.mark.parametrize("n", range(8))
        def test_n(n): time.sleep(0.15)
        """)
    ran = dist.run("-n", "1", "--timeout=1")
    assert (ran.status, ran.counts) == (0, {"passed": 8}), ran


def test_retries(dist):
    dist.write(it="""
        import os, pytest
        def tries(name):
            with open(name, "a") as f: f.write("x")
            return os.path.getsize(name)
        def test_flaky(): assert tries("flaky") == 2
        def test_broken(): assert tries("broken") > 100
        @pytest.fixture
        def shaky():
            if tries("setup") < 3: raise RuntimeError
        def test_set_up(shaky): pass
        def test_good(): assert tries("good")
        """)
    ran = dist.run("-n", "2", "--retries=2")
    assert (ran.status, ran.counts) == (1, {"passed": 3, "failed": 1, "flaky": 2}), ran
    assert [len(dist.read(name)) for name in ("flaky", "broken", "setup", "good")] == [2, 3, 3, 1]
    text = open(ran.junit).read()
    assert 'name="attempt" value="3"' in text and 'name="flaky" value="true"' in text
