"""Tests and plug-ins that end the session, and what cannot be serialised."""

import pytest


def test_pytest_exit_in_a_test(dist):
    """The status that was asked for; the others are not run."""
    dist.write(it="""
        import pytest
        def test_first(): pass
        def test_exits(): pytest.exit("enough of this", returncode=7)
        @pytest.mark.parametrize("n", range(50))
        def test_never(n): pass
        """)
    ran = dist.run("-n", "1")
    assert ran.status == 7, ran
    assert "enough of this" in ran.out
    assert ran.counts["passed"] == 1 and ran.counts["not run"] == 51, ran


def test_pytest_exit_without_status(dist):
    dist.write(it="import pytest\ndef test_exits(): pytest.exit('enough')")
    assert dist.run("-n", "2").status == 2


@pytest.mark.parametrize("hook", ["pytest_configure(config)", "pytest_sessionstart(session)",
                                  "pytest_collection_modifyitems(items)"])
def test_pytest_exit_before_the_tests(dist, hook):
    dist.write({
        "conftest.py": f"""
            import pytest
            def {hook}: pytest.exit('not on this machine', returncode=9)
            """,
        "test_it.py": "def test_it(): pass",
    })
    ran = dist.run("-n", "2")
    assert ran.status == 9, ran
    assert ran.counts == {}
    assert "not on this machine" in ran.out + ran.err


def test_keyboard_interrupt_in_a_test(dist):
    dist.write(it="""
        def test_first(): pass
        def test_interrupts(): raise KeyboardInterrupt
        def test_never(): pass
        """)
    ran = dist.run("-n", "1")
    assert ran.status == 2, ran
    assert ran.counts == {"passed": 1, "not run": 2}, ran


def test_session_finish_raises(dist):
    dist.write({
        "conftest.py": "def pytest_sessionfinish(session): raise RuntimeError('bad end')",
        "test_it.py": "def test_it(): pass",
    })
    ran = dist.run("-n", "2")
    assert ran.status in (1, 3), ran
    assert ran.counts["passed"] == 1 and "bad end" in ran.out + ran.err, ran


def test_session_sets_its_status(dist):
    """What pytest-cov --cov-fail-under does."""
    dist.write({
        "conftest.py": """
            def pytest_sessionfinish(session): session.exitstatus = 1
            """,
        "test_it.py": "def test_it(): pass",
    })
    ran = dist.run("-n", "2")
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 1}


@pytest.mark.parametrize("hook, words", [
    ("def pytest_configure(config): raise RuntimeError('bad hook')", "bad hook"),
    ("def pytest_collection_modifyitems(items): raise RuntimeError('bad hook')", "bad hook"),
    ("def pytest_runtest_setup(item): raise RuntimeError('bad hook')", "bad hook"),
    ("def pytest_runtest_logreport(report): raise RuntimeError('bad hook')", "bad hook"),
    ("def pytest_runtest_protocol(item): raise RuntimeError('bad hook')", "bad hook"),
    ("import pytest\ndef pytest_configure(config): raise pytest.UsageError('not so')",
     "not so"),
], ids=["configure", "modifyitems", "setup", "logreport", "protocol", "usage"])
def test_hooks_that_raise(dist, hook, words):
    dist.write({"conftest.py": hook, "test_it.py": "def test_it(): pass"})
    ran = dist.run("-n", "2")
    theirs = dist.pytest("-p", "no:cacheprovider")
    assert ran.status == theirs.status, ran
    assert words in ran.out + ran.err, ran


def test_what_json_cannot_hold(dist):
    dist.write(it="""
        import pytest
        class Odd:
            def __repr__(self): return "odd \\udcff thing"
        def test_property(record_property):
            record_property("odd", Odd())
            record_property("bytes", b"\\xff\\x00")
            record_property("number", 1.5)
            record_property("lone", "\\udc80")
        def test_nan(record_property): record_property("nan", float("nan"))
        def test_output(capfd):
            with capfd.disabled(): pass
            import os; os.write(1, bytes(range(256)))
            assert 0, "\\udcff \\x00 \\x1b[31m \\ud800"
        class Loud(Exception):
            def __str__(self): raise ValueError("no text for you")
            __repr__ = __str__
        def test_exception(): raise Loud()
        """)
    ran = dist.run("-n", "2", f"--report-log={dist / 'log.json'}")
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 2, "failed": 2}, ran
    assert "\x1b[31m" not in ran.out
    assert 'name="number" value="1.5"' in open(ran.junit).read()


def test_warnings(dist):
    dist.write({
        "test_it.py": """
            import warnings
            warnings.warn("at import")
            def test_one(): warnings.warn("in a test")
            def test_two(): warnings.warn("in another", DeprecationWarning)
            """,
    })
    ran = dist.run("-n", "2")
    assert (ran.status, ran.counts["passed"]) == (0, 2)
    # Both workers import the module: said once, as pytest would.
    assert ran.counts["warning"] == 3, ran
    assert ran.out.count("UserWarning: at import") == 1, ran
    assert "at import" not in dist.run("-n", "2", "--disable-warnings").out


@pytest.mark.parametrize("name", ["sys.exit()", "exit(0)", "raise SystemExit"])
def test_exit_in_a_test_is_a_failure(dist, name):
    dist.write(it=f"import sys\ndef test_exits(): {name}\ndef test_next(): pass")
    ran = dist.run("-n", "1")
    assert (ran.status, ran.counts) == (1, {"failed": 1, "passed": 1}), ran


def test_session_fixture_fails_at_its_end(dist):
    dist.write({
        "conftest.py": """
            import pytest
            @pytest.fixture(scope="session", autouse=True)
            def resource():
                yield
                raise RuntimeError("could not let go")
            """,
        "test_it.py": "def test_one(): pass\ndef test_two(): pass",
    })
    ran = dist.run("-n", "1")
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 1, "error": 1}, ran
    assert "could not let go" in ran.out
