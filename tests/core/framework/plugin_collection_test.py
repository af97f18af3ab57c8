"""What a session says of its collection."""


def test_exit_while_collecting(run):
    worker = run(conftest="import pytest\ndef pytest_collection(): pytest.exit('no', 9)", test_a="")
    assert worker.kinds() == "HUZ"
    assert worker.all("U")[0].json == {"text": "Exit: no", "status": 9}


def test_collection_errors_do_not_keep_the_rest_from_running(run):
    worker = run(
        test_a="assert 0, 'at import'",
        test_b="import pytest\npytest.skip('not here', allow_module_level=True)",
        test_c="def test_1(): pass",
    )
    assert worker.kinds() == "HEELSDZ"
    failed, skipped = worker.reports("E")
    assert (failed["nodeid"], failed["when"], failed["category"]) == ("test_a.py", "collect", "error")
    assert "at import" in failed["block"]
    assert (skipped["category"], skipped["reason"]) == ("skipped", "not here")
    assert skipped["crash"] == {"path": "test_b.py", "line": 2, "message": "Skipped: not here"}
    assert worker.end["exitstatus"] == 1


def test_nothing_collected(run):
    worker = run(test_a="")
    assert worker.kinds() == "HLZ" and worker.ids == []
    assert worker.end["exitstatus"] == 5


def test_collect_only_deselected_groups_and_odd_ids(start):
    worker = start(
        "-k",
        "not gone",
        settings={"collect_only": True},
        test_a=r"""
        import pytest
        @pytest.mark.xdist_group("b")
        class TestG:
            @pytest.mark.xdist_group(name="a")
            def test_two(self): pass
            @pytest.mark.xdist_group
            def test_bare(self): pass
        @pytest.mark.parametrize("x", [pytest.param(0, id="nul\0"), pytest.param(1, id="\ud800")])
        def test_odd(x): pass
        def test_gone(): pass
        """,
    )
    worker.until("L")
    worker.finish()
    worker.until_end()
    assert worker.kinds() == "HLZ"
    assert worker.head["deselected"] == 1
    assert worker.head["groups"] == {"0": "a_b", "1": "b_default"}
    assert worker.ids[:2] == ["test_a.py::TestG::test_two", "test_a.py::TestG::test_bare"]
    assert worker.ids[2:] == ["test_a.py::test_odd[nul\\x00]", "test_a.py::test_odd[\\ud800]"]
    assert worker.end["exitstatus"] == 0


def test_duplicate_ids_are_listed_twice(run):
    worker = run("--keep-duplicates", "test_a.py", "test_a.py", test_a="def test_1(): pass")
    assert worker.ids == ["test_a.py::test_1"] * 2
    assert len(worker.all("D")) == 2
