"""Plug-ins that people use, as they are."""

import re
import subprocess
import sys

import dist_run
import pytest

PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/code.py": """
        def parity(n):
            if n % 2:
                return "odd"
            return "even"
        def never(n):
            if n:
                return 1
            return 2
        """,
    "tests/test_it.py": """
        import pytest
        from pkg.code import parity
        @pytest.mark.parametrize("n", range(10))
        def test_parity(n): assert parity(n) in ("odd", "even")
        """,
    "conftest.py": "",
}


def installed(name):
    return subprocess.run([sys.executable, "-c", f"import {name}"],
                          stderr=subprocess.DEVNULL).returncode == 0


def covered(text):
    return re.findall(r"^(\S+\.py|TOTAL) +(\d+) +(\d+) ", text, re.MULTILINE)


@pytest.mark.skipif(not installed("pytest_cov"), reason="pytest-cov is not installed")
def test_coverage(dist):
    """Workers' data combine to plain pytest-cov's numbers."""
    dist.write(PACKAGE)
    theirs = dist.pytest("-p", "no:cacheprovider", "--cov=pkg", "--cov-report=term")
    wanted = covered(theirs.out)
    assert wanted, theirs
    (dist / ".coverage").unlink()
    ran = dist.run("-n", "2", "--", "--cov=pkg")
    assert (ran.status, ran.counts) == (0, {"passed": 10}), ran
    env = dist_run.environment("")
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--keep"], cwd=dist.folder, env=env,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report = subprocess.run([*coverage, "report"], cwd=dist.folder, env=env,
                            capture_output=True, text=True)
    assert covered(report.stdout) == wanted, (report, ran,
                                              sorted(p.name for p in dist.folder.iterdir()))


@pytest.mark.skipif(not installed("hypothesis"), reason="hypothesis is not installed")
def test_hypothesis(dist):
    dist.write(it="""
        from hypothesis import given, strategies as st
        @given(st.integers(), st.integers())
        def test_sum(a, b): assert a + b == b + a
        @given(st.lists(st.integers()))
        def test_false(xs): assert sum(xs) < 1000
        """)
    ran = dist.run("-n", "2", "--", "--hypothesis-seed=1")
    assert (ran.status, ran.counts) == (1, {"passed": 1, "failed": 1}), ran
    assert "Falsifying example" in ran.out


@pytest.mark.skipif(not installed("pytest_django"), reason="pytest-django is not installed")
def test_django(dist):
    """A database for each worker, as under xdist."""
    dist.write({
        "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = settings\npythonpath = .\n",
        "settings.py": """
            SECRET_KEY = "x"
            DATABASES = {"default": {
                "ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3",
                "TEST": {"NAME": "test.sqlite3"}}}
            INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
            DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
            USE_TZ = True
            """,
        "test_it.py": """
            import pytest
            @pytest.mark.django_db
            @pytest.mark.parametrize("n", range(6))
            def test_users(n, worker_id):
                from django.contrib.auth.models import User
                from django.db import connection
                assert User.objects.count() == 0
                User.objects.create(username="a")
                assert worker_id in str(connection.settings_dict["NAME"])
            """,
    })
    ran = dist.run("-n", "2")
    assert (ran.status, ran.counts["passed"]) == (0, 6), ran


@pytest.mark.skipif(not installed("xdist"), reason="xdist is not installed")
@pytest.mark.parametrize("args", [[], ["-p", "no:xdist"]], ids=["with", "without"])
def test_beside_xdist(dist, args):
    """An installed xdist neither distributes nor is needed."""
    dist.write({
        "conftest.py": """
            import pytest
            @pytest.hookimpl(optionalhook=True)
            def pytest_configure_node(node): raise RuntimeError("no controller here")
            """,
        "test_it.py": """
            import os
            def test_it(worker_id, testrun_uid, request):
                assert worker_id == "gw0" and hasattr(request.config, "workerinput")
            """,
    })
    ran = dist.run("-n", "1", *args)
    assert (ran.status, ran.counts) == (0, {"passed": 1}), ran
