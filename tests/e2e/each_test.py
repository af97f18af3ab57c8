"""--dist each: every test on every platform, each with its own verdict."""

import xml.etree.ElementTree as ElementTree

import pytest

EACH = ["--dist=each", "--tx", "popen//id=a", "--tx", "popen//id=b//env:BROKEN=1"]


@pytest.fixture
def suites(dist):
    def read():
        return {suite.get("name"): suite
                for suite in ElementTree.parse(dist.junit).getroot().iter("testsuite")}
    return read


def test_a_verdict_per_platform(dist, suites):
    dist.write(it="""
        import os
        def test_good(): pass
        def test_some(): assert not os.environ.get("BROKEN")
        """)
    ran = dist.run(*EACH)
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 3, "failed": 1}, ran
    found = suites()
    assert len(found) == 2, found
    outcomes = {}
    for name, suite in found.items():
        assert suite.get("tests") == "2" and suite.get("hostname"), name
        for case in suite.iter("testcase"):
            worker = case.find("properties/property[@name='worker']").get("value")
            outcomes[worker, case.get("name")] = case.find("failure") is None
    assert outcomes == {("a", "test_good"): True, ("a", "test_some"): True,
                        ("b", "test_good"): True, ("b", "test_some"): False}
    # The summary says how each platform fared.
    platforms = ran.out.partition("= platforms =")[2].splitlines()
    assert platforms[1:3] == ["a  2 passed", "b  1 failed, 1 passed"], ran
    assert "FAILED test_it.py::test_some on b" in ran.out


def test_own_collections(dist):
    """Each platform runs what it has: that it differs is nobody's fault."""
    dist.write(it="""
        import os, pytest
        @pytest.mark.parametrize("name", ["all", os.environ["PYTEST_XDIST_WORKER"]])
        def test_it(name): pass
        """)
    ran = dist.run(*EACH)
    assert (ran.status, ran.counts) == (0, {"passed": 4}), ran
    assert "collected other tests" not in ran.out + ran.err


def test_one_platform_cannot_start(dist):
    dist.write(it="def test_it(): pass")
    ran = dist.run("--dist=each", "--tx", "popen//id=a", "--tx", "popen//id=b//python=/nonexistent")
    assert ran.counts["passed"] == 1, ran
    # A platform without a verdict is no success.
    assert "/nonexistent" in ran.out + ran.err
    assert ran.status == 10, ran


def test_collection_error_on_one(dist):
    dist.write(
        it="import os\nassert not os.environ.get('BROKEN')\ndef test_it(): pass",
        other="def test_other(): pass")
    ran = dist.run(*EACH)
    assert ran.status == 1, ran
    assert ran.counts == {"passed": 3, "error": 1}, ran


def test_crash_on_one(dist):
    dist.write(it="""
        import os
        def test_dies():
            if os.environ.get("BROKEN"): os._exit(1)
        def test_after(): pass
        """)
    ran = dist.run(*EACH)
    assert (ran.status, ran.counts) == (1, {"passed": 3, "crashed": 1}), ran


def test_fixtures_once_per_platform(dist):
    dist.write(it="""
        import os, pytest
        @pytest.fixture(scope="module", autouse=True)
        def module(worker_id):
            with open(worker_id, "a") as f: f.write("up\\n")
            yield
            with open(worker_id, "a") as f: f.write("down\\n")
        @pytest.mark.parametrize("n", range(30))
        def test_it(n): pass
        """)
    ran = dist.run(*EACH)
    assert (ran.status, ran.counts) == (0, {"passed": 60}), ran
    assert dist.read("a") == dist.read("b") == "up\ndown\n"
