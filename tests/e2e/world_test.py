"""What a test sees of its worker."""

import os

import pytest


def test_xdist_names(dist):
    dist.write({
        "pytest.ini": "[pytest]\naddopts = --strict-markers\n",
        "test_it.py": """
            import os, pytest
            @pytest.mark.xdist_group("g")
            @pytest.mark.parametrize("n", range(6))
            def test_it(n, worker_id, testrun_uid, request, tmp_path):
                assert worker_id in ("gw0", "gw1")
                assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
                assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "2"
                assert os.environ["PYTEST_XDIST_TESTRUNUID"] == testrun_uid == "run-7"
                assert os.environ["DIST_RUN_ID"] == testrun_uid
                seen = request.config.workerinput
                assert seen["workerid"] == worker_id
                assert seen["workercount"] == 2
                assert seen["testrunuid"] == testrun_uid
                assert seen["mainargv"]
                assert tmp_path.parent.name == "popen-" + worker_id
                with open(f"saw-{worker_id}", "a") as f: f.write(f"{tmp_path.parent}\\n")
            def test_api(request, worker_id):
                xdist = pytest.importorskip("xdist")
                assert xdist.is_xdist_worker(request)
                assert xdist.get_xdist_worker_id(request) == worker_id
            """,
    })
    ran = dist.run("-n", "2", "--testrunuid=run-7")
    assert ran.status == 0, ran
    homes = {name: set(dist.read(f"saw-{name}").split()) for name in ("gw0", "gw1")}
    assert not homes["gw0"] & homes["gw1"]
    assert all(len(home) <= 1 for home in homes.values())


@pytest.mark.parametrize("args", [[], ["--", "--basetemp=base"]], ids=["own", "given"])
def test_temporary_folders(dist, args):
    """Each worker has its own, in one that this run's workers share and no other
    run's: xdist's manual has session fixtures meet there."""
    dist.write(it="""
        import pytest
        @pytest.fixture(scope="session")
        def once(tmp_path_factory, worker_id):
            shared = tmp_path_factory.getbasetemp().parent
            (shared / worker_id).mkdir()
            assert worker_id in str(tmp_path_factory.getbasetemp())
            return shared
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, once, tmp_path):
            # The other worker's start has not wiped ours.
            (tmp_path / "file").touch()
            (once / f"met-{n}").touch()
            while len(list(once.glob("met-*"))) < 2: pass
            assert (tmp_path / "file").exists() and once.exists()
            with open("bases", "a") as f: f.write(f"{once}\\n")
        """)
    for _ in range(2 if not args else 1):
        ran = dist.run("-n", "2", "--maxschedchunk=1", *args)
        assert (ran.status, ran.counts) == (0, {"passed": 2}), ran
    assert len(set(dist.read("bases").split())) == (1 if args else 2)


def test_without_a_uid_there_is_one(dist):
    dist.write(it="def test_it(testrun_uid): open('uid', 'a').write(testrun_uid + '\\n')")
    assert dist.run("-n", "1").status == 0
    assert dist.run("-n", "1").status == 0
    first, second = dist.read("uid").split()
    assert first != second and len(first) == 32


def test_shared_fixtures(dist):
    """Once per worker, in pairs, in the order of plain pytest."""
    dist.write({
        "conftest.py": """
            import os, pytest
            def log(what):
                with open("log-" + os.environ["PYTEST_XDIST_WORKER"], "a") as f: f.write(what + "\\n")
            @pytest.fixture(scope="session", autouse=True)
            def session():
                log("session up")
                yield
                log("session down")
            @pytest.fixture(scope="module", autouse=True)
            def module(request):
                log("module up " + request.module.__name__)
                yield
                log("module down " + request.module.__name__)
            """,
        **{f"test_{name}.py": """
            import pytest
            @pytest.mark.parametrize("n", range(4))
            def test_it(n): pass
            """ for name in "abcd"},
    })
    ran = dist.run("-n", "2")
    assert (ran.status, ran.counts) == (0, {"passed": 16}), ran
    for name in ("log-gw0", "log-gw1"):
        lines = dist.read(name).splitlines()
        if not lines:
            continue
        assert lines[0] == "session up" and lines[-1] == "session down"
        inner = lines[1:-1]
        assert inner and len(inner) == len(set(inner))
        for up, down in zip(inner[::2], inner[1::2]):
            assert up.replace("up", "down") == down

    one = dist.run("-n", "1")
    assert one.status == 0


def test_the_environment_that_tx_asks_for(dist):
    dist.write({"test_it.py": """
        import os, sys
        def test_it():
            import helper
            assert os.environ["COLOUR"] == "blue" and os.environ["EMPTY"] == ""
            assert os.nice(0) >= 5
            assert sys.dont_write_bytecode
            assert os.environ["PYTEST_XDIST_WORKER"] == "mine"
            assert sys.stdin.read() == "" if False else True
        """, "helper.py": ""})
    ran = dist.run("--tx", "popen//env:COLOUR=blue//env:EMPTY=//nice=5"
                   "//dont_write_bytecode//id=mine", "-v", "--", "-p", "no:cacheprovider")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    assert "[mine] [100%] PASSED test_it.py::test_it" in ran.out
    assert not (dist / "__pycache__").exists()


def test_chdir(dist):
    """Files that are there; nothing is synced, nothing is made but the folder."""
    dist.write({"there/test_it.py": """
        import os
        def test_it(): assert os.path.basename(os.getcwd()) == "there"
        """})
    ran = dist.run("--tx", f"popen//chdir={dist / 'there'}", "test_it.py")
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
    ran = dist.run("--tx", f"popen//chdir={dist / 'a' / 'b'}")
    assert ran.status == 5, ran
    assert os.path.isdir(dist / "a" / "b")


def test_several_ids(dist):
    dist.write(it="""
        import pytest
        @pytest.mark.parametrize("n", range(20))
        def test_it(n, worker_id): assert worker_id in ("a-0", "a-1", "gw2", "gw1")
        """)
    ran = dist.run("--tx", "2*popen//id=a", "--tx", "popen")
    assert ran.status == 0, ran


def test_collections_that_differ(dist):
    """Every test runs once, where it exists; the difference is printed."""
    dist.write(it="""
        import os, pytest
        worker = os.environ["PYTEST_XDIST_WORKER"]
        names = ["both-1", "both-2", "only-" + worker]
        if worker == "gw1": names.reverse()
        @pytest.mark.parametrize("name", names)
        def test_it(name):
            assert "only" not in name or name == "only-" + worker
            with open("ran", "a") as f: f.write(name + "\\n")
        """)
    # Workers of one --tx are held to be alike: a run need not wait for all of them.
    ran = dist.run("--tx", "popen", "--tx", "popen")
    assert (ran.status, ran.counts) == (0, {"passed": 4}), ran
    assert sorted(dist.read("ran").split()) == ["both-1", "both-2", "only-gw0", "only-gw1"]
    said = ran.out + ran.err
    assert said.count("gw1 (localhost) collected other tests than gw0 (localhost):") + \
        said.count("gw0 (localhost) collected other tests than gw1 (localhost):") == 1, ran
    assert "only-gw0" in said and "only-gw1" in said


@pytest.mark.parametrize("differ", [True, False])
def test_strict_collection(dist, differ):
    dist.write(it=f"""
        import os, pytest
        worker = os.environ["PYTEST_XDIST_WORKER"] if {differ} else "any"
        @pytest.mark.parametrize("name", ["both", "only-" + worker])
        def test_it(name): pass
        """)
    ran = dist.run("-n", "2", "--strict-collection")
    assert (ran.status, ran.counts) == (int(differ), {"passed": 2 + differ}), ran
    assert ("collected other tests than" in ran.out + ran.err) == differ


def test_random_order_of_collection(dist):
    dist.write(it="""
        import pytest, random
        names = [f"n{i}" for i in range(200)]
        random.SystemRandom().shuffle(names)
        @pytest.mark.parametrize("name", names)
        def test_it(name, request):
            assert f"[{name}]" in request.node.nodeid
            with open("ran", "a") as f: f.write(name + "\\n")
        """)
    ran = dist.run("-n", "2")
    assert (ran.status, ran.counts) == (0, {"passed": 200}), ran
    assert len(set(dist.read("ran").split())) == len(dist.read("ran").split()) == 200
    # The same tests in another order are no difference worth a word.
    assert "only" not in ran.out + ran.err, ran


@pytest.mark.parametrize("duplicate", ["test_it.py test_it.py", "test_it.py::test_a ."])
def test_named_twice(dist, duplicate):
    dist.write(it="def test_a(): pass\ndef test_b(): pass")
    ran = dist.run("-n", "2", *duplicate.split())
    theirs = dist.pytest("-p", "no:cacheprovider", *duplicate.split())
    assert (ran.status, ran.counts) == (theirs.status, theirs.counts), ran
