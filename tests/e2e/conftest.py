import os

import dist_run
import pytest

NEED_ROOT = {"account", "network", "root"}


def pytest_collection_modifyitems(config, items):
    """as_user.sh repeats what everybody can run; the rest has run as root."""
    if "DIST_AS_USER" not in os.environ:
        return
    rest = [item for item in items if NEED_ROOT & set(item.fixturenames)]
    config.hook.pytest_deselected(items=rest)
    items[:] = [item for item in items if item not in rest]


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: mounting needs root")


@pytest.fixture
def dist(tmp_path):
    """A project; when the test is over nothing that it started may be left."""
    project = dist_run.Project(tmp_path)
    yield project
    dist_run.wait_gone(project.cookie)
