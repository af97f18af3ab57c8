"""Tests come in leases, some are taken back, and fixtures follow."""
import os
import signal
import subprocess
import sys

import pytest
from plugin_driver import clean_environment


SCOPES = """
    import pytest
    def log(text):
        with open("log.txt", "a") as out: out.write(text + "\\n")
    @pytest.fixture(scope="session")
    def ses():
        log("+ses"); yield; log("-ses")
    @pytest.fixture(scope="module")
    def mod(request):
        log("+mod " + request.module.__name__); yield; log("-mod " + request.module.__name__)
    @pytest.fixture(scope="class")
    def cla(): log("+cla"); yield; log("-cla")
    @pytest.fixture
    def fun(): log("+fun"); yield; log("-fun")
"""


SCOPED_TESTS = """
    from conftest import log
    def setup_module(): log("setup_module " + __name__)
    def teardown_module(): log("teardown_module " + __name__)
    class TestC:
        def test_1(self, ses, mod, cla, fun): log("1")
        def test_2(self, ses, mod, cla, fun): log("2")
    def test_3(mod, fun): log("3")
"""


@pytest.mark.parametrize("leases", [[[0, 1, 2, 3, 4, 5]], [[0], [1], [2], [3], [4], [5]], [[0, 1], [2, 3, 4], [5]]])
def test_fixtures_live_as_long_as_in_plain_pytest_whatever_the_leases(start, suite, leases):
    directory = suite(conftest=SCOPES, test_a=SCOPED_TESTS, test_b=SCOPED_TESTS)
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=directory, env=clean_environment(), check=True, stdout=-3)
    expected = (directory / "log.txt").read_text()
    (directory / "log.txt").unlink()
    worker = start()
    worker.until("L")
    for lease in leases:
        worker.run(*lease)
        for _ in lease:
            worker.until("D")  # So that the worker is parked before the next lease.
    worker.finish()
    worker.until_end()
    assert worker.end["exitstatus"] == 0
    assert (directory / "log.txt").read_text() == expected


FAILING_MODULE_TEARDOWN = """
    import pytest
    @pytest.fixture(scope="module")
    def mod():
        yield
        print("going down")
        assert 0, "teardown of mod"
    def test_1(mod): pass
"""


def test_parked_teardown_failure_is_told_after_the_tests_end(start):
    worker = start(test_a=FAILING_MODULE_TEARDOWN, test_b="def test_2(): pass")
    worker.until("L")
    worker.run(0)
    worker.until("D")
    worker.run(1)
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLSDOSDZ"
    (report,) = worker.reports("O")
    assert worker.all("O")[0].position == 0
    assert (report["nodeid"], report["when"], report["category"]) == ("test_a.py::test_1", "teardown", "error")
    assert report["crash"]["message"].startswith("AssertionError: teardown of mod")
    assert ["Captured stdout teardown", "going down\n"] in report["sections"]
    assert worker.end["exitstatus"] == 1


def test_parked_teardown_failure_at_the_end(start):
    worker = start(test_a=FAILING_MODULE_TEARDOWN)
    worker.until("L")
    worker.run(0)
    worker.until("D")
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLSDOZ"
    assert worker.end["exitstatus"] == 1


def test_teardown_with_a_known_successor_is_the_tests_own_phase(run):
    worker = run(test_a=FAILING_MODULE_TEARDOWN, test_b="def test_2(): pass")
    assert worker.kinds() == "HLSTDSDZ"
    assert worker.reports()[0]["when"] == "teardown"


def test_revoked_tests_do_not_run_and_fixtures_follow(start):
    worker = start(
        test_a="""
        import pytest
        def test_0():
            open("ready", "w").close()
            open("go").close()
        @pytest.mark.parametrize("n", range(3))
        def test_n(n): pass
        """,
        test_b="def test_b(): pass",
    )
    for name in ("ready", "go"):
        os.mkfifo(worker.directory / name)
    worker.until("L")
    worker.run(0, 1, 2, 3)
    open(worker.directory / "ready").close()  # test_0 runs.
    worker.revoke(1, 3, 99)
    worker.run(4)
    worker.finish()
    open(worker.directory / "go", "w").close()
    worker.until_end()
    assert sorted(worker.all("v")[0].numbers) == [1, 3]
    assert [record.position for record in worker.all("S")] == [0, 2, 4]
    assert worker.end["exitstatus"] == 0


def test_the_same_test_can_run_again(start):
    worker = start(
        test_a="""
        import pytest
        @pytest.fixture
        def fixture():
            yield
            print("down")
        def test_1(fixture, record_property):
            record_property("a", 1)
            print("up")
            assert 0
        """
    )
    worker.until("L")
    worker.run(0, 0)
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLSTDSTDZ" or worker.kinds() == "HLSTTDSTTDZ"
    first, second = [report for report in worker.reports() if report["when"] == "call"]
    assert first["sections"] == second["sections"]
    assert first["properties"] == second["properties"] == [["a", "1"]]


def test_sigint_while_parked_tears_down_and_ends(start):
    worker = start(
        test_a="""
        import pytest
        @pytest.fixture(scope="module")
        def mod():
            yield
            open("down", "w").close()
        def test_1(mod): pass
        """
    )
    worker.until("L")
    worker.run(0)
    worker.until("D")
    worker.process.send_signal(signal.SIGINT)
    worker.until_end()
    assert worker.end["exitstatus"] == 2
    assert (worker.directory / "down").exists()
