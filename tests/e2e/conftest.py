import dist_run
import pytest


@pytest.fixture
def dist(tmp_path):
    """A project; when the test is over nothing that it started may be left."""
    project = dist_run.Project(tmp_path)
    yield project
    dist_run.wait_gone(project.cookie)
