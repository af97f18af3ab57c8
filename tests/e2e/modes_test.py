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
