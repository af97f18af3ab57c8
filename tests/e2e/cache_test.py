"""--lf and --ff, with a cache that plain pytest shares."""

TESTS = """
    import os, pytest
    def test_a(): pass
    def test_b(): assert os.environ.get("FIXED")
    def test_c(): pass
    @pytest.mark.parametrize("n", [1, 2])
    def test_d(n): assert n == 1 or os.environ.get("FIXED")
    def test_order():
        pass
    """


def test_last_failed(dist):
    dist.write(it=TESTS)
    assert dist.run("-n", "2").counts == {"passed": 4, "failed": 2}
    ran = dist.run("-n", "2", "--lf")
    assert (ran.status, ran.counts) == (1, {"failed": 2, "deselected": 4}), ran
    assert set(ran.outcomes) == {"test_it::test_b", "test_it::test_d[2]"}
    # Plain pytest knows as well, and the other way round.
    theirs = dist.pytest("--lf")
    assert theirs.counts["failed"] == 2, theirs
    dist.pytest("--lf", "-k", "test_b", env={"FIXED": 1})
    ran = dist.run("-n", "2", "--lf")
    assert set(ran.outcomes) == {"test_it::test_d[2]"}, ran
    ran = dist.run("-n", "2", "--lf", env={"FIXED": 1})
    assert (ran.status, ran.counts["passed"]) == (0, 1), ran
    # Nothing failed last time: all run.
    assert dist.run("-n", "2", "--lf", env={"FIXED": 1}).counts == {"passed": 6}


def test_failed_first(dist):
    dist.write(it=TESTS)
    dist.run("-n", "1")
    ran = dist.run("-n", "1", "--ff", "-v")
    order = [line.split("::")[1] for line in ran.out.splitlines()
             if line.startswith("[gw0] [")]
    assert order == ["test_b", "test_d[2]", "test_a", "test_c", "test_d[1]", "test_order"], ran
    assert ran.counts == {"passed": 4, "failed": 2}


def test_crashes_and_timeouts_have_failed(dist):
    dist.write(it="""
        import os, time
        def test_dies(): os._exit(1)
        def test_sleeps(): time.sleep(1000)
        def test_good(): pass
        """)
    assert dist.run("-n", "1", "--timeout=1").counts == {"crashed": 1, "timeout": 1, "passed": 1}
    ran = dist.run("-n", "1", "--lf", "--timeout=1")
    assert ran.counts == {"crashed": 1, "timeout": 1, "deselected": 1}, ran


def test_last_failed_in_a_module_that_broke(dist):
    dist.write(it="import no_such_module_anywhere\ndef test_it(): pass",
               other="def test_other(): pass")
    assert dist.run("-n", "1").status == 1
    dist.write(it="def test_it(): pass")
    ran = dist.run("-n", "1", "--lf")
    assert ran.status == 0 and "test_it::test_it" in ran.outcomes, ran


def test_a_broken_cache_is_no_cache(dist):
    dist.write({"test_it.py": TESTS, ".pytest_cache/v/cache/lastfailed": "{not json"})
    ran = dist.run("-n", "2", "--lf")
    assert ran.counts == {"passed": 4, "failed": 2}, ran


def test_only_what_ran_is_forgotten(dist):
    dist.write(it=TESTS)
    dist.run("-n", "2")
    dist.run("-n", "2", "-k", "test_b", env={"FIXED": 1})
    ran = dist.run("-n", "2", "--lf")
    assert set(ran.outcomes) == {"test_it::test_d[2]"}, ran
