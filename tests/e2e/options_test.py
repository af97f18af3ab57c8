"""Options reach pytest, wherever they come from."""

import pytest

TESTS = """
    import pytest
    @pytest.mark.slow
    def test_one(): pass
    def test_two(): pass
    class TestThree:
        def test_three(self): pass
    """
INI = "[pytest]\nmarkers = slow: takes long\n"


@pytest.mark.parametrize("args, wanted", [
    (["-k", "two"], {"passed": 1, "deselected": 3}),
    (["-k", "not two"], {"passed": 3, "deselected": 1}),
    (["-m", "slow"], {"passed": 1, "deselected": 3}),
    (["test_it.py::test_one"], {"passed": 1}),
    (["test_it.py::TestThree"], {"passed": 1}),
    (["--deselect=test_it.py::test_two"], {"passed": 3, "deselected": 1}),
    (["--", "-k", "two"], {"passed": 1, "deselected": 3}),
    (["--pyargs", "pkg.test_in"], {"passed": 1}),
    (["--rootdir=pkg", "pkg"], {"passed": 1}),
    (["--ignore=test_it.py"], {"passed": 1}),
    (["--maxprocesses=1"], {"passed": 4}),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_selection(dist, args, wanted):
    dist.write({"pytest.ini": INI, "pkg/__init__.py": "", "test_it.py": TESTS,
                "pkg/test_in.py": "def test_in(): pass"})
    ran = dist.run("-n", "2", *args)
    assert (ran.status, ran.counts) == (0, wanted), ran


def test_what_tests_see_of_options(dist):
    """-p, -o, -W, -c and a plug-in's own option after `--`."""
    dist.write({
        "plug.py": """
            def pytest_addoption(parser):
                parser.addoption("--colour")
                parser.addini("shape", "")
            """,
        "other.ini": "[pytest]\nshape = square\nmarkers = a\n",
        "test_it.py": """
            import os, warnings, pytest
            def test_it(pytestconfig):
                assert pytestconfig.getoption("--colour") == "blue"
                assert pytestconfig.getini("shape") == "round"
                assert pytestconfig.getini("markers")[0] == "a"
                assert os.path.basename(str(pytestconfig.inipath)) == "other.ini"
            def test_warning():
                with pytest.raises(UserWarning): warnings.warn("x")
            """,
    })
    ran = dist.run("-n", "2", "-p", "plug", "-c", "other.ini", "-o", "shape=round",
                   "-W", "error", "--", "--colour", "blue", env={"PYTHONPATH": "."})
    assert (ran.status, ran.counts) == (0, {"passed": 2}), ran


WORKERS = """
    import os, pathlib, pytest
    @pytest.mark.parametrize("n", range(6))
    def test_it(n, pytestconfig):
        count = os.environ["PYTEST_XDIST_WORKER_COUNT"]
        pathlib.Path("count.txt").write_text(
            count + " " + str(pytestconfig.getoption("keyword")))
    """


@pytest.mark.parametrize("files, env, args, wanted", [
    ({"pytest.ini": "[pytest]\naddopts = -n 3 -k 'test_it or x'\n"}, {}, [],
     "3 test_it or x"),
    ({"pytest.ini": "[pytest]\naddopts = -n 3\n"}, {}, ["-n", "2"], "2 "),
    ({"pytest.ini": "[pytest]\naddopts = -n 3\n"}, {"PYTEST_ADDOPTS": "-n 4"}, [], "4 "),
    ({}, {"PYTEST_ADDOPTS": "-n 2 -k test_it"}, [], "2 test_it"),
    ({"setup.cfg": "[tool:pytest]\naddopts = --tx 3*popen\n"}, {}, [], "3 "),
    ({"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-n 2'\n"}, {}, [], "2 "),
    ({"tox.ini": "[pytest]\naddopts = -n2\n"}, {}, [], "2 "),
    ({"dist.toml": "tx = ['2*popen']\n"}, {}, [], "2 "),
    ({"dist.toml": "tx = ['2*popen']\n", "pytest.ini": "[pytest]\naddopts = -n 3\n"}, {},
     [], "3 "),
    ({"dist.toml": "numprocesses = 3\n"}, {}, ["--tx", "popen"], "1 "),
], ids=["ini", "cli-over-ini", "env-over-ini", "env", "setup.cfg", "pyproject",
        "tox", "dist.toml", "ini-over-dist.toml", "cli-over-dist.toml"])
def test_where_options_come_from(dist, files, env, args, wanted):
    dist.write({"test_it.py": WORKERS, **files})
    ran = dist.run(*args, env=env)
    assert ran.status == 0, ran
    assert dist.read("count.txt") == wanted, ran


def test_plugin_options_in_addopts(dist):
    """What dist does not know in an ini file is a plug-in's; xdist's -n too."""
    dist.write({
        "conftest.py": "def pytest_addoption(parser): parser.addoption('--colour')",
        "pytest.ini": "[pytest]\naddopts = -n 2 --colour red\n",
        "test_it.py": "def test_it(pytestconfig): assert pytestconfig.getoption('colour') == 'red'",
    })
    ran = dist.run()
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
