"""Durations: recorded by one run, used by the next, predicted from, imported."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

# Each test says in a file when it begins.
CONFTEST = """
import os
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    with open(os.environ["BEGUN"], "a") as file:
        file.write(item.nodeid + "\\n")
"""

SUITE = """
import time
import pytest

@pytest.mark.parametrize("i", range(20))
def test_short(i):
    time.sleep(0.01)

def test_long():
    time.sleep(0.4)

class TestMore:
    def test_longest(self):
        time.sleep(1)
"""


class Project:
    """A project with a cache of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.cache = folder.parent / "cache"
        self.begun = folder.parent / "begun"
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_a.py").write_text(SUITE)

    def start(self, *args, **env):
        command = shlex.split(os.environ.get("DIST", "")) or [os.path.abspath("cli/dist")]
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith(("PYTEST", "TEST_", "XML_OUTPUT", "DIST_"))}
        clean.update(XDG_CACHE_HOME=str(self.cache), BEGUN=str(self.begun), **env)
        return subprocess.Popen([*command, *args], cwd=self.folder, env=clean,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def dist(self, *args, status=0, **env):
        """stdout and stderr of a run that ends with that status."""
        process = self.start(*args, **env)
        out, err = process.communicate()
        assert process.returncode == status, out + err
        return out, err

    def begun_first(self):
        """The tests in the order in which they began; forgets them."""
        ids = self.begun.read_text().splitlines()
        self.begun.unlink()
        return ids

    def files(self):
        return [path for path in self.cache.rglob("*")
                if path.is_file() and path.name != "lock"]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def known_in(history):
    return int(re.match(r"(\d+) tests? in", history)[1])


def test_second_run_starts_the_longest_first(project):
    project.dist("-n", "2", "-q")
    project.begun_first()
    project.dist("-n", "2", "-q")
    assert set(project.begun_first()[:2]) == {"test_a.py::TestMore::test_longest",
                                              "test_a.py::test_long"}


def test_one_worker_keeps_the_order(project):
    project.dist("-q")
    first = project.begun_first()
    project.dist("-q")
    assert project.begun_first() == first
    assert known_in(project.dist("history")[0]) == 22


@pytest.mark.parametrize("args, env", [(["--no-history"], {}), ([], {"DIST_NO_HISTORY": "1"})])
def test_no_history_is_kept_if_none_is_wanted(project, args, env):
    project.dist("-n", "2", "-q", *args, **env)
    assert not project.files()


def test_collecting_records_nothing(project):
    project.dist("--collect-only", "-q")
    assert not project.files()


def test_is_shown_and_cleared(project):
    assert "nothing is known" in project.dist("history")[0]
    project.dist("-n", "2", "-q")
    shown = project.dist("history")[0]
    assert known_in(shown) == 22
    assert re.search(r"slowest:\n +1\.\d s  test_a.py::TestMore::test_longest\n", shown)
    assert str(project.files()[0]) in shown
    assert [path.stat().st_mode & 0o777 for path in project.files()] == [0o600]
    project.dist("history", "clear")
    assert project.files() == []


def test_a_broken_file_is_said_once_and_replaced(project):
    project.dist("-n", "2", "-q")
    project.files()[0].write_bytes(b"dist history 1\nnonsense")
    _, err = project.dist("-n", "2", "-q")
    assert err.count("not usable") == 1
    assert project.dist("-n", "2", "-q")[1] == ""
    assert known_in(project.dist("history")[0]) == 22


def test_a_history_that_cannot_be_written_does_no_harm(project):
    (project.cache / "dist").mkdir(parents=True)
    (project.cache / "dist/history").write_text("a file, not a folder")
    assert project.dist("-n", "2", "-q")[1] == ""
    assert "not recorded" in project.dist("-n", "2", "-v")[1]


def test_two_runs_at_once_both_get_in(project):
    (project.folder / "test_b.py").write_text("def test_b(): pass\n")
    (project.folder / "test_c.py").write_text("def test_c(): pass\n")
    runs = [project.start("-q", "test_b.py"), project.start("-q", "test_c.py")]
    assert [(run.communicate(), run.returncode)[1] for run in runs] == [0, 0]
    assert known_in(project.dist("history")[0]) == 2


def test_imports_what_others_wrote(project):
    junit, log = project.folder.parent / "j.xml", project.folder.parent / "log.jsonl"
    split = project.folder / ".test_durations"
    split.write_text(json.dumps({"test_a.py::test_long": 7, "test_gone.py::t": 1,
                                 "test_a.py::test_short[0]": 0.01,
                                 "test_a.py::test_short[1]": 0.01}))
    project.dist("-n", "2", "-q", "--no-history", f"--junitxml={junit}", f"--report-log={log}")
    for file, count in [(junit, 22), (log, 22), (split, 4)]:
        project.dist("history", "clear")
        out, _ = project.dist("history", "import", str(file))
        assert f"{file}: {count} tests from " in out
        assert known_in(project.dist("history")[0]) == count
    project.begun_first()
    project.dist("-n", "2", "-q")
    assert "test_a.py::test_long" in project.begun_first()[:2]


def test_imports_junit_of_pytest_itself(project):
    junit = project.folder.parent / "j.xml"
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                    f"--junitxml={junit}"], cwd=project.folder, check=True,
                   env={**os.environ, "BEGUN": str(project.begun)})
    assert "22 tests from JUnit XML" in project.dist("history", "import", str(junit))[0]
    assert "  test_a.py::TestMore::test_longest\n" in project.dist("history")[0]


def test_says_what_it_cannot_import(project):
    (project.folder / "odd").write_text("odd")
    _, err = project.dist("history", "import", "odd", status=4)
    assert err.startswith("dist: odd is no JUnit XML")
    assert "which file?" in project.dist("history", "import", status=4)[1]
    assert "cannot read" in project.dist("history", "import", "gone", status=4)[1]
    (project.folder / "good").write_text('{"test_a.py::test_long": 7}')
    assert "cannot read gone" in project.dist("history", "import", "good", "gone", status=4)[1]
    assert "nothing is known" in project.dist("history")[0]
    assert "did you mean 'clear'?" in project.dist("history", "claer", status=4)[1]


def test_plan_without_history_assumes_equal_tests(project):
    out, _ = project.dist("plan", "-n", "2")
    assert out.startswith("no durations are known: assuming 1 s for every test\n")
    assert "22 tests, 22.0 s in all" in out
    assert "predicted: 11.0 s, at least 11.0 s (an even share)" in out
    assert not project.begun.exists()


def test_plan_predicts_what_happens(project):
    project.dist("-n", "2", "-q")
    project.begun_first()
    out, _ = project.dist("plan", "-n", "2", "--what-if", "hosts=2,4", "--what-if=workers=1")
    rows = re.findall(r"^(gw\d) +localhost +(\d+) ", out, re.M)
    assert [name for name, _ in rows] == ["gw0", "gw1"]
    assert sum(int(count) for _, count in rows) == 22
    assert re.search(r"^predicted: 1\.\d s, at least 1\.\d s \(the longest test\)", out, re.M), out
    table = out[out.index("hosts  workers"):].splitlines()[1:]
    assert [row.split()[:2] for row in table] == [["2", "4"], ["4", "8"], ["1", "1"]]
    assert float(table[2].split()[2]) >= 1.6
    assert re.search(r"^gw\d .* test_a.py::TestMore::test_longest", out, re.M)
    project.dist("-n", "2", "-q")
    assert set(project.begun_first()[:2]) == {"test_a.py::TestMore::test_longest",
                                              "test_a.py::test_long"}


def test_no_other_fleets_with_each(project):
    _, err = project.dist("plan", "--dist", "each", "--tx", "popen", "--what-if", "hosts=2",
                          status=4)
    assert err.startswith("dist: --what-if: with --dist each every worker runs everything")


def test_plan_of_each_counts_every_worker(project):
    out, _ = project.dist("plan", "--dist", "each", "--tx", "popen", "--tx", "popen//id=b")
    assert "44 tests, 44.0 s in all" in out
    assert "predicted: 22.0 s" in out


def test_plan_says_what_is_wrong(project):
    assert "no fleet" in project.dist("plan", "--what-if", "hosts=x", status=4)[1]
    (project.folder / "test_bad.py").write_text("import nothing_like_it\n")
    out, err = project.dist("plan", "-n", "2", status=1)
    assert "cannot collect test_bad.py" in err
    assert "22 tests" in out


def test_says_what_bounded_the_run(project):
    out, _ = project.dist("-n", "2", "-v")
    line = out.splitlines()[-2]
    assert re.match(r"wall \d+\.\d s = .* \+ \d+\.\d s start-up and collection$", line), line
    assert "wall" not in project.dist("-n", "2")[0]
