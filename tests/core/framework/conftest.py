"""Fixtures of the plugin's tests: write a suite, start workers on it, run it whole."""
import textwrap

import pytest
from plugin_driver import Worker


@pytest.fixture
def suite(tmp_path):
    """Writes files into a fresh directory and returns it."""
    directory = tmp_path / "suite"
    directory.mkdir()
    (directory / "pytest.ini").write_text("[pytest]\n")

    def write(**files):
        for name, text in files.items():
            path = directory / (name.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return directory

    return write


@pytest.fixture
def start(suite):
    """Starts workers and ends them with the test."""
    workers = []

    def launch(*args, settings=None, env=None, **files):
        directory = suite(**files)
        worker = Worker(directory, "-p", "no:cacheprovider", *args, settings=settings, env=env)
        workers.append(worker)
        return worker

    yield launch
    for worker in workers:
        worker.close()


@pytest.fixture
def run(start):
    """Runs everything that a worker collects in one lease, and returns the ended worker."""

    def whole(*args, **files):
        worker = start(*args, **files)
        while True:
            record = worker.next()
            if record is None or record.kind == "Z":
                break
            if record.kind == "L":
                worker.run(*range(len(worker.ids)))
                worker.finish()
        return worker.until_end()

    return whole
