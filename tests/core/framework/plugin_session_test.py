"""How a session begins and ends, and what ends it early."""
import pytest
from plugin_driver import PLUGIN_DIR, PYTEST, WITH_PLUGINS, Worker


def test_plain_passes_cost_no_json_and_arrive_in_order(run):
    worker = run(test_a="def test_1(): pass\ndef test_2(): pass")
    assert worker.kinds() == "HLSDSDZ"
    assert worker.ids == ["test_a.py::test_1", "test_a.py::test_2"]
    assert [record.numbers[:2] for record in worker.all("D")] == [[0, 7], [1, 7]]
    assert worker.end == {"exitstatus": 0, "reason": "", "shouldfail": "", "shouldstop": ""}
    assert worker.process.returncode == 0
    assert worker.text() == ""


def test_hello_describes_the_interpreter(run):
    conftest = "def pytest_report_header(config): return 'db: sqlite'"
    worker = run(env=WITH_PLUGINS, test_a="def test_1(): pass", conftest=conftest)
    hello = worker.records[0].json
    assert hello["pytest"] == pytest.__version__
    assert hello["pid"] == worker.process.pid
    assert hello["rootdir"] == str(worker.directory)
    assert hello["inifile"] == str(worker.directory / "pytest.ini")
    assert hello["header"] == ["db: sqlite"]
    assert any(name.startswith("xdist-") for name in hello["plugins"])


def test_no_pytest(start, suite):
    (suite() / "pytest.py").write_text("raise ImportError('not for you')")
    worker = start()
    worker.until_end()
    assert worker.kinds() == "N"
    assert "not for you" in worker.records[0].json["reason"]


def test_python_too_old(suite):
    boot = "import sys; sys.version_info = (3, 6)\n" + (PLUGIN_DIR / "pytest_boot.py").read_text()
    worker = Worker(suite(), boot=boot)
    try:
        assert worker.next().json == {"reason": "Python 3.6 is older than 3.7"}
    finally:
        worker.close()


@pytest.mark.parametrize(
    "args, text",
    [(["nowhere.py"], "nowhere.py"), (["--no-such-option"], "--no-such-option"), (["-c", "broken.ini"], "broken.ini")],
)
def test_usage_errors(start, suite, args, text):
    (suite() / "broken.ini").write_text("pytest\n")
    worker = start(*args, test_a="def test_1(): pass")
    worker.until_end()
    (usage,) = worker.all("U")
    assert text in usage.json["text"]
    assert usage.json["status"] == worker.end["exitstatus"] == worker.process.returncode == 4


def test_conftest_that_cannot_be_imported(run):
    worker = run(conftest="import nothing_of_that_name", test_a="def test_1(): pass")
    assert worker.kinds() == "UZ"
    usage = worker.records[0].json
    assert usage["status"] == 4 and "No module named 'nothing_of_that_name'" in usage["text"]


@pytest.mark.parametrize(
    "code, status, reason",
    [("pytest.exit('enough')", 2, "enough"), ("pytest.exit('seven', 7)", 7, "seven")],
)
def test_exit_in_a_test_ends_the_session(run, code, status, reason):
    worker = run(test_a="import pytest\ndef test_1(): %s\ndef test_2(): pass" % code)
    assert worker.kinds() == "HLSZ"
    assert (worker.end["exitstatus"], worker.end["reason"]) == (status, reason)
    assert worker.process.returncode == status


def test_keyboard_interrupt_in_a_test(run):
    worker = run(test_a="def test_1(): raise KeyboardInterrupt\ndef test_2(): pass")
    assert worker.kinds() == "HLSZ"
    assert worker.end["exitstatus"] == 2 and worker.end["reason"] == "KeyboardInterrupt"


@pytest.mark.parametrize("attribute, status", [("shouldstop", 2), ("shouldfail", 1)])
def test_stop_asked_by_a_test(run, attribute, status):
    worker = run(
        test_a="""
        import pytest
        @pytest.fixture(scope="module")
        def mod():
            yield
            assert 0
        def test_1(request, mod): request.session.%s = "why"
        def test_2(mod): pass
        """
        % attribute
    )
    # Since 8.0 pytest tears down for good in the test that asked.
    assert worker.kinds() == ("HLSDOZ" if PYTEST < (8,) else "HLSTDZ")
    assert worker.end["exitstatus"] == status
    assert worker.end[attribute] == "why"


@pytest.mark.parametrize("maxfail, ran", [(0, 3), (1, 1), (2, 2)])
def test_maxfail_is_the_nodes_to_set(run, maxfail, ran):
    failing = "def test_1(): assert 0\ndef test_2(): assert 0\ndef test_3(): assert 0"
    worker = run("-x", settings={"maxfail": maxfail}, test_a=failing)
    assert len(worker.all("D")) == ran


def test_failing_sessionfinish_is_never_a_false_green(run):
    worker = run(test_a="def test_1(): pass", conftest="def pytest_sessionfinish(): raise ValueError('no end')")
    assert worker.kinds() == "HLSDXZ"
    assert "ValueError: no end" in worker.all("X")[0].json["text"]
    assert worker.end["exitstatus"] == 3


def test_internal_error(run):
    worker = run(test_a="def test_1(): pass", conftest="def pytest_runtest_protocol(): raise ValueError('broken')")
    assert worker.kinds() == "HLSXZ"
    assert "ValueError: broken" in worker.all("X")[0].json["text"]
    assert worker.end["exitstatus"] == 3


def test_basetemp(run, tmp_path):
    base = tmp_path / "new" / "base"
    worker = run(settings={"basetemp": str(base)}, test_a="def test_1(tmp_path): (tmp_path / 'f').write_text('')")
    assert worker.end["exitstatus"] == 0
    assert list(base.glob("test_1*/f"))
