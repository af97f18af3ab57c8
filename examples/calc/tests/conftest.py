import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from calc.history import History  # noqa: E402


@pytest.fixture(scope="session")
def table():
    """Squares, made once for each worker."""
    return {n: n * n for n in range(1000)}


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "history.jsonl")
