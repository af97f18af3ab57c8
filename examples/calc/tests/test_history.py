import pytest

from calc import evaluate


def test_starts_empty(history):
    assert history.entries() == []


def test_remembers_in_order(history):
    for text in ("1 + 1", "2 * 3"):
        history.add(text, evaluate(text))
    assert history.entries() == [("1 + 1", 2), ("2 * 3", 6)]


@pytest.mark.parametrize("n", range(4))
def test_each_test_has_a_file_of_its_own(history, n):
    history.add(str(n), n)
    assert history.entries() == [(str(n), n)]


class TestTwoHistories:
    def test_share_a_file(self, history):
        other = type(history)(history.path)
        history.add("1", 1)
        assert other.entries() == [("1", 1)]

    def test_keep_text_as_it_is(self, history):
        history.add("½ 'quoted' \\", 0)
        assert history.entries()[0][0] == "½ 'quoted' \\"
