"""Plugins and conftest.py files find what they find under pytest-xdist."""
import contextlib
import os
import re
import sqlite3
import subprocess
import sys

import pytest
from plugin_driver import WITH_PLUGINS


AS_UNDER_XDIST = """
    import os, sys
    def test_1(worker_id, testrun_uid, request):
        config = request.config
        assert (worker_id, testrun_uid) == ("gw0", "run-1")
        assert config.workerinput["workerid"] == os.environ["PYTEST_XDIST_WORKER"]
        assert config.workeroutput == {}
        assert os.environ["PYTEST_VERSION"]
        assert sys.argv == ["-c"]
        assert sys.path[0] == os.getcwd() or os.getcwd() in sys.path
        assert config.getoption("dist") == "no" and not config.getoption("tx")
        assert any(line.startswith("xdist_group") for line in config.getini("markers"))
        assert config.pluginmanager.get_plugin("dsession") is None
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_sep("=", "nobody sees this")
        config.get_terminal_writer().line("nor this")
"""


XDIST_CONFTEST = """
    import os
    assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"
    def pytest_load_initial_conftests(early_config): pass
    def pytest_cmdline_main(config): assert config.workerinput["workerid"] == "gw0"
    def pytest_configure(config): assert config.workerinput["workercount"] == 2
    def pytest_configure_node(node): pass
    def pytest_testnodeready(node): pass
    def pytest_testnodedown(node, error): pass
    def pytest_xdist_setupnodes(config, specs): pass
    def pytest_xdist_newgateway(gateway): pass
    def pytest_xdist_getremotemodule(): pass
    def pytest_xdist_node_collection_finished(node, ids): pass
    def pytest_xdist_make_scheduler(config, log): pass
    def pytest_xdist_auto_num_workers(config): return 3
"""


@pytest.mark.parametrize("without", [[], ["-p", "no:xdist"]], ids=["with-xdist", "without-xdist"])
def test_the_world_is_as_under_xdist(run, suite, without):
    (suite() / "pytest.ini").write_text("[pytest]\naddopts = -n 4 --dist load --maxfail 3\nrsyncdirs = .\n")
    uses = "" if without else "\n    import xdist\n    def test_2(request): assert xdist.is_xdist_worker(request)\n"
    conftest = XDIST_CONFTEST
    if without or hasattr(pytest.importorskip("xdist.newhooks"), "pytest_handlecrashitem"):  # Since 2.3.
        conftest += "    def pytest_handlecrashitem(crashitem, report, sched): pass\n"
    worker = run("--strict-markers", *without, env=WITH_PLUGINS, conftest=conftest, test_a=AS_UNDER_XDIST + uses)
    assert not worker.all("T"), worker.reports()
    assert worker.end["exitstatus"] == 0, worker.all("X") or worker.end
    assert "nobody sees this" not in worker.text()


def test_coverage_of_two_workers_is_combined(run, start):
    pytest.importorskip("pytest_cov")
    source = "def f(x):\n    if x:\n        return 1\n    return 2\n"
    tests = "import code_under_test as c\ndef test_1(): c.f(0)\ndef test_2(): c.f(1)"
    workers = [start("--cov=code_under_test", env=WITH_PLUGINS, code_under_test=source, test_a=tests) for _ in range(2)]
    for position, worker in enumerate(workers):  # The second starts late: it must not erase what the first has left.
        worker.until("L")
        worker.run(position)
        worker.finish()
        worker.until_end()
        assert worker.end["exitstatus"] == 0, worker.records
    directory = workers[0].directory
    assert len(list(directory.glob(".coverage.*"))) == 2
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run(coverage + ["combine"], cwd=directory, check=True, stdout=subprocess.PIPE)
    report = subprocess.run(coverage + ["report"], cwd=directory, check=True, stdout=subprocess.PIPE).stdout.decode()
    assert re.search(r"code_under_test.py +4 +0 +100%", report), report


def test_paths_change_only_in_coverage_that_nobody_writes(run, suite):
    """Another worker that is about to write would find its file locked."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = suite()
    paths = {}
    for pid in (os.getpid(), ended.pid):
        with contextlib.closing(sqlite3.connect(str(folder / (".coverage.a.host.%d.123456" % pid)))) as data:
            data.executescript("CREATE TABLE file (path TEXT); INSERT INTO file VALUES ('/there/code.py')")
    worker = run(test_a="def test_it(): pass", settings={"source_paths": [["/there", "/here"]]})
    assert worker.end["exitstatus"] == 0
    for pid in (os.getpid(), ended.pid):
        with contextlib.closing(sqlite3.connect(str(folder / (".coverage.a.host.%d.123456" % pid)))) as data:
            paths[pid] = data.execute("SELECT path FROM file").fetchall()
    assert paths == {os.getpid(): [("/there/code.py",)], ended.pid: [("/here/code.py",)]}


def test_changing_coverage_makes_no_file_that_goes(run, suite):
    """A worker that collects that folder meanwhile would fail."""
    folder = suite()
    with contextlib.closing(sqlite3.connect(str(folder / ".coverage.host.999999999.123456"))) as data:
        data.executescript("CREATE TABLE file (path TEXT); INSERT INTO file VALUES ('/there/code.py')")
    conftest = """
        import os, sqlite3
        connect = sqlite3.connect
        class Watched(sqlite3.Connection):
            def commit(self):
                open("seen", "w").write(" ".join(os.listdir(".")))
                super().commit()
        sqlite3.connect = lambda *args, **more: connect(*args, factory=Watched, **more)
    """
    run(conftest=conftest, test_a="def test_it(): pass", settings={"source_paths": [["/there", "/here"]]})
    seen = (folder / "seen").read_text()
    assert ".coverage.host.999999999.123456" in seen and "-journal" not in seen


def test_hypothesis(run):
    pytest.importorskip("hypothesis")
    worker = run(
        env=WITH_PLUGINS,
        test_a="""
        from hypothesis import given, settings, strategies as st
        @given(st.integers())
        @settings(max_examples=5, database=None)
        def test_1(n): pass
        @given(st.integers())
        @settings(database=None)
        def test_2(n): assert n < 5
        """
    )
    # Old ones give each test a property with its statistics.
    (failed,) = [report for report in worker.reports() if report["outcome"] == "failed"]
    assert "Falsifying example" in failed["block"]
    assert len(worker.all("D")) == 2 and worker.end["exitstatus"] == 1


def test_django_database_of_each_worker(run):
    pytest.importorskip("django")
    pytest.importorskip("pytest_django")
    worker = run(
        "--ds=site_settings",
        env=WITH_PLUGINS,
        site_settings="""
        SECRET_KEY = "x"
        USE_TZ = True
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "TEST": {"NAME": "t.sqlite3"}}}
        """,
        test_a="""
        import pytest
        @pytest.mark.django_db
        def test_1(settings):
            from django.db import connection
            assert "gw0" in connection.settings_dict["NAME"]
            with connection.cursor() as cursor: assert cursor.execute("select 1")
        """,
    )
    assert worker.kinds().replace("W", "") == "HLSDZ", [record.payload for record in worker.records]
