"""Tests that kill their process: a verdict for them, and none for the others."""

import pytest

CRASHES = """
    import ctypes, os, signal, sys
    def test_before(): pass
    def test_exit():
        print("last words", flush=True)
        os._exit(3)
    def test_exit_zero(): os._exit(0)
    def test_segfault(): ctypes.string_at(0)
    def test_abort(): os.abort()
    def test_kill(): os.kill(os.getpid(), signal.SIGKILL)
    def test_term(): os.kill(os.getpid(), signal.SIGTERM)
    def test_after(): pass
    """
HOW = {"exit": "exit status 3", "exit_zero": "exit status 0", "segfault": "SIGSEGV",
       "abort": "SIGABRT", "kill": "SIGKILL", "term": "SIGTERM"}


@pytest.mark.parametrize("where, times", [
    (["-n", "2"], 1),
    (["--dist", "each", "--tx", "2*popen", "--max-worker-restart=12"], 2),
], ids=["load", "each"])
def test_the_verdict_is_crashed(dist, where, times):
    dist.write(it=CRASHES)
    ran = dist.run(*where)
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 2 * times, "crashed": 6 * times}, ran
    for name, how in HOW.items():
        assert f"test_it.py::test_{name}" in ran.out
        assert f"the test process died: {how}" in ran.out, ran
    assert ran.out.count("\nlast words\n") == times, ran
    assert ran.out.count("Fatal Python error: Segmentation fault") == times, ran
    assert set(ran.outcomes.values()) == ({"passed", "crashed"} if times == 1 else
                                          {"passed,passed", "crashed,crashed"})
    assert "; replaced" in ran.out


@pytest.mark.parametrize("capture", ["no", "fd"])
def test_last_words(dist, capture):
    dist.write(it=CRASHES)
    ran = dist.run("-n", "1", "--", f"--capture={capture}", "-k", "test_exit")
    assert ran.counts == {"crashed": 2, "deselected": 6}, ran
    assert ran.out.count("\nlast words\n") == 1, ran


def test_last_words_are_of_the_test_that_crashed(dist):
    """Both streams, not flushed, of its children too; of no other test, and
    nothing where a test did not crash."""
    dist.write(it="""
        import os, subprocess, sys, time
        def test_before(): print("of another")
        def test_crash():
            print("to stdout", end="")
            print("to stderr", file=sys.stderr, end="")
            subprocess.run(["echo", "of a child"])
            os._exit(1)
        def test_between(): print("of a third")
        def test_timeout():
            print("so far so good")
            time.sleep(60)
        def test_after(): print("of the last")
        """)
    ran = dist.run("-n", "1", "--timeout", "1", "--junitxml", "r.xml")
    assert ran.counts == {"passed": 3, "crashed": 1, "timeout": 1}, ran
    for said in "to stdoutof a child\nto stderr", "so far so good\n":
        assert ran.out.count(said) == 1, ran
        assert said in dist.read("r.xml"), ran
    assert "of another" not in ran.out and "of a third" not in ran.out, ran
    assert "of the last" not in ran.out, ran


def test_crash_in_fixtures(dist):
    """At set-up and teardown of a test and of its module; each blames the test
    that ran."""
    dist.write(
        setup="""
            import os, pytest
            @pytest.fixture
            def dies(): os._exit(9)
            def test_dies(dies): pass
            def test_next(): pass
            """,
        teardown="""
            import os, pytest
            @pytest.fixture
            def dies():
                yield
                os._exit(9)
            def test_dies(dies): pass
            def test_next(): pass
            """,
        module="""
            import os, pytest
            @pytest.fixture(scope="module")
            def dies(): os._exit(9)
            def test_first(): pass
            def test_dies(dies): pass
            def test_next(): pass
            """)
    ran = dist.run("-n", "2")
    assert ran.status == 1, ran
    crashed = {name for name, how in ran.outcomes.items() if how == "crashed"}
    assert crashed == {"test_setup::test_dies", "test_teardown::test_dies",
                       "test_module::test_dies"}, ran
    assert ran.counts == {"crashed": 3, "passed": 4}, ran


def test_crash_at_the_end_of_the_module(dist):
    """No test runs: no test is blamed, yet the run is not a success."""
    dist.write(it="""
        import os, pytest
        @pytest.fixture(scope="session", autouse=True)
        def dies():
            yield
            os._exit(9)
        def test_one(): pass
        """)
    ran = dist.run("-n", "1")
    assert ran.status == 1, ran
    assert "exit status 9" in ran.out + ran.err, ran


def test_crash_at_import(dist):
    """Nothing can be collected; it is tried twice, not for ever."""
    dist.write({"test_bad.py": """
        import os
        with open("tries", "a") as f: f.write("x")
        os._exit(7)
        """, "test_good.py": "def test_good(): pass"})
    ran = dist.run("-n", "2")
    assert ran.status == 1, ran
    assert "exit status 7" in ran.out and "while collecting" in ran.out, ran
    assert 2 <= len(dist.read("tries")) <= 4


def test_crash_at_import_once(dist):
    dist.write(it="""
        import os
        try: os.mkdir("was_here")
        except OSError: pass
        else: os._exit(7)
        def test_it(): pass
        """)
    ran = dist.run("-n", "1")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_more_crashes_than_restarts(dist):
    dist.write(it="""
        import os, pytest
        @pytest.mark.parametrize("n", range(20))
        def test_dies(n): os._exit(1)
        """)
    ran = dist.run("-n", "2", "--max-worker-restart=3")
    # Two workers and three more die; nobody is left for the other tests.
    assert ran.status == 1, ran
    assert ran.counts == {"crashed": 5, "lost": 15}, ran
    assert "raise --max-worker-restart" in ran.out + ran.err


def test_no_restarts(dist):
    dist.write(it="import os\ndef test_dies(): os._exit(1)\ndef test_other(): pass")
    ran = dist.run("-n", "1", "--max-worker-restart=0")
    assert (ran.status, ran.counts) == (1, {"crashed": 1, "lost": 1}), ran


def test_crash_between_tests(dist):
    """Nobody is blamed, what was queued runs elsewhere."""
    dist.write({
        "conftest.py": """
            import os, threading, time, pytest
            @pytest.hookimpl(trylast=True)
            def pytest_runtest_logfinish(nodeid):
                if "test_third" in nodeid and not os.path.exists("died"):
                    open("died", "w").close()
                    os._exit(5)
            """,
        "test_it.py": """
            def test_first(): pass
            def test_second(): pass
            def test_third(): pass
            def test_fourth(): pass
            def test_fifth(): pass
            """,
    })
    ran = dist.run("-n", "1")
    assert (dist / "died").exists()
    assert ran.counts.get("passed", 0) + ran.counts.get("crashed", 0) == 5, ran
    assert ran.counts["passed"] >= 4, ran


def test_retries_run_a_crashed_test_again(dist):
    dist.write(it="""
        import os
        def test_flaky():
            if not os.path.exists("once"):
                open("once", "w").close()
                os._exit(1)
        """)
    ran = dist.run("-n", "2", "--retries", "2")
    assert (ran.status, ran.counts) == (0, {"passed": 1, "flaky": 1}), ran
