"""Every way in which a test can end, compared with plain pytest."""

import subprocess
import sys
import os

import pytest

COMPARE = os.path.abspath("tests/compare_junit.py")

SUITE = {
    "test_plain.py": """
        import pytest, warnings
        def test_passes(): pass
        def test_fails():
            print("said before it failed")
            assert 1 == 2
        def test_skips(): pytest.skip("in the test")
        @pytest.mark.skip(reason="by mark")
        def test_skipped(): pass
        @pytest.mark.skipif(True, reason="by condition")
        def test_skipif(): pass
        @pytest.mark.xfail(reason="known")
        def test_xfails(): assert 0
        @pytest.mark.xfail
        def test_xpasses(): pass
        @pytest.mark.xfail(strict=True, reason="must fail")
        def test_xpasses_strict(): pass
        @pytest.mark.xfail(run=False, reason="not even run")
        def test_xfail_norun(): raise SystemExit
        def test_warns(): warnings.warn("beware")
        def test_exits(): raise SystemExit(3)
        """,
    "test_fixtures.py": """
        import pytest
        @pytest.fixture
        def bad_setup(): raise RuntimeError("set-up went wrong")
        @pytest.fixture
        def bad_teardown():
            yield
            raise RuntimeError("teardown went wrong")
        def test_setup(bad_setup): pass
        def test_teardown(bad_teardown): pass
        @pytest.fixture
        def skips(): pytest.skip("in a fixture")
        def test_fixture_skips(skips): pass
        """,
    "test_params.py": """
        # -*- coding: utf-8 -*-
        import pytest
        @pytest.mark.parametrize("n", range(3))
        def test_number(n): assert n != 1
        @pytest.mark.parametrize("word", ["", "a b", "x::y", "a/b", "[z]", "\\u00e9\\u4e2d", "\\n", "a-b", "<&>"])
        def test_word(word): pass
        @pytest.mark.parametrize("word", ["\\u00fcber", "na\\u00efve"], ids=["\\u00fcber", "na\\u00efve"])
        def test_unicode(word):
            print(word)
            assert word == "\\u00fcber"
        """,
    "test_classes.py": """
        # -*- coding: utf-8 -*-
        import unittest
        class TestOne:
            def test_a(self): pass
            def test_b(self): assert False
            class TestInner:
                def test_c(self): pass
        class Cases(unittest.TestCase):
            def test_ok(self): pass
            def test_sub(self):
                for i in range(3):
                    with self.subTest(i=i): self.assertEqual(i, i)
            @unittest.expectedFailure
            def test_expected(self): self.fail()
            @unittest.skip("unittest's")
            def test_skipped(self): pass
        """,
    "sub/test_deep.py": "def test_deep(): pass",
    "test_skipped_module.py": """
        import pytest
        pytest.importorskip("no_such_module_anywhere")
        def test_never(): pass
        """,
}


def test_same_as_pytest(dist, tmp_path):
    dist.write(SUITE)
    theirs = dist.pytest("-p", "no:cacheprovider", junit=str(tmp_path / "pytest.xml"))
    ours = dist.run("-n", "2")
    compared = subprocess.run([sys.executable, COMPARE, theirs.junit, ours.junit],
                              capture_output=True, text=True)
    assert compared.returncode == 0, compared.stdout + repr(ours)
    assert ours.status == theirs.status == 1, ours

    # The last line counts tests as pytest does, but a test that passes and whose
    # teardown fails is one error: it has one verdict.
    wanted = theirs.counts
    assert ours.counts == {**wanted, "passed": wanted["passed"] - 1}, ours

    def short(result):
        lines = result.out.partition("short test summary info")[2].splitlines()
        return sorted(line for line in lines if line.startswith(("FAILED", "ERROR")))
    assert short(ours) == short(theirs)
    assert "FAILED test_plain.py::test_fails - assert 1 == 2" in ours.out
    assert "said before it failed" in ours.out
    assert "beware" in ours.out


def test_call_and_teardown_fail(dist):
    """One test, one verdict, both causes."""
    dist.write(both="""
        import pytest
        @pytest.fixture
        def bad():
            yield
            raise RuntimeError("teardown went wrong")
        def test_both(bad): assert "call went wrong" == 0
        """)
    ran = dist.run("-n", "1")
    assert (ran.status, ran.counts) == (1, {"failed": 1}), ran
    assert ran.outcomes == {"test_both::test_both": "failed"}
    assert "call went wrong" in ran.out and "teardown went wrong" in ran.out


def test_collection_errors_do_not_stop_the_others(dist):
    """As under xdist, and unlike plain pytest, what could be collected runs."""
    dist.write({
        "test_syntax.py": "def test_x(:\n",
        "test_import.py": "import no_such_module_anywhere\n",
        "test_raises.py": "raise RuntimeError('at import')\n",
        "test_good.py": "def test_good(): pass\n",
    })
    ran = dist.run("-n", "2")
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 1, "error": 3}, ran
    for name in ("test_syntax.py", "test_import.py", "test_raises.py"):
        assert f"ERROR {name}" in ran.out
    assert "at import" in ran.out


@pytest.mark.parametrize("args, wanted", [
    (["-rA"], ["PASSED test_plain.py::test_passes", "SKIPPED [1] test_plain.py",
               "XFAIL test_plain.py::test_xfails", "XPASS test_plain.py::test_xpasses"]),
    (["--tb=line"], ["test_plain.py:6: assert 1 == 2"]),
    (["-v"], ["[gw0] [  9%] PASSED test_plain.py::test_passes",
              "[gw0] [100%] FAILED test_plain.py::test_exits", "XFAIL test_plain"]),
], ids=["rA", "tb-line", "v"])
def test_words_of_the_output(dist, args, wanted):
    dist.write({"test_plain.py": SUITE["test_plain.py"]})
    ran = dist.run("-n", "1", *args)
    for words in wanted:
        assert words in ran.out, ran


def test_quiet(dist):
    dist.write(ok="def test_ok(): pass")
    ran = dist.run("-n", "2", "-q")
    assert ran.status == 0
    assert "test session starts" not in ran.out
    assert ran.last.startswith("1 passed in "), ran


def test_without_workers_of_its_own_it_is_one(dist):
    dist.write(ok="def test_ok(worker_id): assert worker_id == 'gw0'")
    ran = dist.run()
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran


def test_more_workers_than_tests(dist):
    dist.write(ok="def test_ok(): pass\ndef test_also(): pass")
    ran = dist.run("-n", "5")
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran


def test_many_small_tests(dist):
    dist.write(many="""
        import pytest
        @pytest.mark.parametrize("n", range(3000))
        def test_n(n): assert n % 1000 != 999
        """)
    ran = dist.run("-n", "2", "--tb=no")
    assert (ran.status, ran.counts) == (1, {"passed": 2997, "failed": 3}), ran
    assert len(ran.outcomes) == 3000
