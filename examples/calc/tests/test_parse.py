import pytest

from calc import ParseError, parse
from calc.parse import tokens


@pytest.mark.parametrize("text,tree", [
    ("7", 7),
    ("1.5", 1.5),
    ("1 + 2", ("+", 1, 2)),
    ("1 + 2 * 3", ("+", 1, ("*", 2, 3))),
    ("1 - 2 - 3", ("-", ("-", 1, 2), 3)),
    ("2 ^ 3 ^ 2", ("^", 2, ("^", 3, 2))),
    ("(1 + 2) * 3", ("*", ("+", 1, 2), 3)),
    ("-4", ("-", 0, 4)),
    ("2 * -3", ("*", 2, ("-", 0, 3))),
])
def test_parse(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize("text,column,wanted", [
    ("", 1, "a number"),
    ("1 +", 4, "a number"),
    ("(1", 3, "a closing bracket"),
    ("1 2", 3, "an operator"),
    ("1 $ 2", 3, "an operator"),
    (")", 1, "a number"),
])
def test_parse_error_says_where(text, column, wanted):
    with pytest.raises(ParseError, match=f"^column {column}: expected {wanted}$"):
        parse(text)


def test_tokens_know_their_place():
    assert tokens(" 12*x ") == [(12, 1), ("*", 3), ("x", 4)]
