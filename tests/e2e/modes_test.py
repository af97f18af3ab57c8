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
