"""What stays together under each mode, on real workers."""

import collections
import json

import pytest

SUITE = """
import pytest

class TestA:
    @pytest.mark.parametrize("i", range(6))
    def test_m(self, i): pass

class TestB:
    @pytest.mark.parametrize("i", range(6))
    def test_m(self, i): pass

@pytest.mark.xdist_group("db")
@pytest.mark.parametrize("i", range(6))
def test_grouped(i): pass

@pytest.mark.parametrize("i", ["a@b", "c", "d", "e"])
def test_free(i): pass
"""


def unit(mode, nodeid):
    path, _, rest = nodeid.partition("::")
    if mode == "loadfile":
        return path
    if mode == "loadscope":
        return path + ("::" + rest.split("::")[0] if "::" in rest else "")
    if mode == "loadgroup":
        return "db" if "test_grouped" in nodeid else nodeid
    return nodeid


FIXTURES = """
import pytest

def log(worker, what):
    with open("log-" + worker, "a") as file:
        file.write(what + "\\n")

@pytest.fixture(scope="module", autouse=True)
def module(worker_id, request):
    log(worker_id, "up " + request.module.__name__)
    yield
    log(worker_id, "down " + request.module.__name__)

class TestA:
    @pytest.mark.parametrize("i", range(9))
    def test_a(self, i): pass

class TestB:
    @pytest.mark.parametrize("i", range(9))
    def test_b(self, i): pass

@pytest.mark.parametrize("i", range(9))
def test_c(i): pass
"""


@pytest.mark.parametrize("mode", ["load", "worksteal", "loadfile", "loadgroup"])
def test_fixtures_of_modules_once_per_worker(dist, mode):
    """Where nothing is known of the tests, and where their durations are."""
    dist.write(**{f"m{i}": FIXTURES for i in range(6)})
    slow = dist / "test_m3.py"
    slow.write_text(FIXTURES + "def test_slow(): __import__('time').sleep(0.2)\n")
    for attempt in "cold", "with history":
        ran = dist.run("--dist", mode, "--tx", "2*popen")
        assert (ran.status, ran.counts) == (0, {"passed": 163}), ran
        for log in dist.folder.glob("log-*"):
            lines = collections.Counter(log.read_text().splitlines())
            assert set(lines.values()) == {1}, (attempt, log, lines)
            ups = {line[3:] for line in lines if line.startswith("up ")}
            assert ups == {line[5:] for line in lines if line.startswith("down ")}
            log.unlink()


@pytest.mark.parametrize("mode", ["load", "worksteal", "loadfile", "loadscope", "loadgroup"])
def test_mode_keeps_its_units_on_one_worker(dist, mode):
    dist.write(one=SUITE, two=SUITE, three=SUITE)
    run = dist.run("--dist", mode, "--tx", "3*popen", "--report-log", "log.jsonl")
    assert run.status == 0, run
    workers = collections.defaultdict(set)
    ran = set()
    for line in dist.read("log.jsonl").splitlines():
        entry = json.loads(line)
        if entry.get("$report_type") == "TestReport" and entry["when"] == "call":
            assert entry["nodeid"] not in ran
            ran.add(entry["nodeid"])
            workers[unit(mode, entry["nodeid"])].add(entry["worker"])
    assert len(ran) == 66
    assert {len(found) for found in workers.values()} == {1}


MARKED = """
import time
import pytest

@pytest.mark.xdist_group("b")
class TestMarked:
    @pytest.mark.xdist_group(name="a")
    @pytest.mark.parametrize("i", range(4))
    def test_both(self, i): time.sleep(0.05)

@pytest.mark.xdist_group("a")
@pytest.mark.xdist_group("b")
def test_either_way(): pass

@pytest.mark.parametrize("i", ["1@a_b", "2@a_b", "3@a_b", "4@a_b", "5@a_b", "6@a_b"])
def test_unmarked(i): time.sleep(0.2)
"""


def ran_on(dist, *args):
    """{test id: worker}, in the order in which they ended."""
    run = dist.run(*args, "--report-log", "log.jsonl")
    assert run.status == 0, run
    entries = map(json.loads, dist.read("log.jsonl").splitlines())
    return {entry["nodeid"]: entry["worker"] for entry in entries
            if entry.get("$report_type") == "TestReport" and entry["when"] == "call"}


def test_several_marks_are_one_group(dist):
    """In whichever order and file; an @ in a parameter is no mark."""
    dist.write(one=MARKED, two=MARKED)
    ran = ran_on(dist, "--dist=loadgroup", "--tx", "3*popen")
    assert len(ran) == 22
    assert len({worker for test, worker in ran.items() if "unmarked" not in test}) == 1, ran
    assert len({worker for test, worker in ran.items() if "unmarked" in test}) > 1, ran


@pytest.mark.parametrize("option, first", [([], "TestLarge"), (["--no-loadscope-reorder"], "test_0")])
def test_large_scopes_first(dist, option, first):
    dist.write(it="""
        import pytest
        @pytest.mark.parametrize("i", range(2))
        def test_0(i): pass
        class TestLarge:
            @pytest.mark.parametrize("i", range(9))
            def test_1(self, i): pass
        """)
    ran = ran_on(dist, "--dist=loadscope", "--tx", "popen", *option)
    assert first in next(iter(ran)), ran


def test_units_that_have_not_started_move(dist):
    """A worker that is done takes whole files from one that is not."""
    slow = """
        import pytest, time
        @pytest.mark.parametrize("i", range(3))
        def test_it(i): time.sleep({})
        """
    dist.write(first=slow.format(0.8), **{f"m{i}": slow.format(0.1) for i in range(8)})
    ran = ran_on(dist, "--dist=loadfile", "--tx", "2*popen", "--no-loadscope-reorder")
    files = collections.defaultdict(set)
    for test, worker in ran.items():
        files[test.partition("::")[0]].add(worker)
    assert {len(workers) for workers in files.values()} == {1}, ran
    busy = files["test_first.py"]
    assert sum(workers == busy for workers in files.values()) <= 3, ran
