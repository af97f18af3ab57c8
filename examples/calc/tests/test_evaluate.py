import sys
import time

import pytest

from calc import evaluate


@pytest.mark.parametrize("text,result", [
    ("2 * (3 + 4)", 14),
    ("10 - 4 - 3", 3),
    ("7 / 2", 3.5),
    ("7 % 4", 3),
    ("2 ^ 10", 1024),
    ("2 ^ 3 ^ 2", 512),
    ("-2 * -2", 4),
    ("0.5 + 0.25", 0.75),
    ("((((1))))", 1),
])
def test_evaluate(text, result):
    assert evaluate(text) == result


@pytest.mark.parametrize("text", ["1 / 0", "1 % 0", "0 ^ -1"])
def test_division_by_zero(text):
    with pytest.raises(ZeroDivisionError):
        evaluate(text)


@pytest.mark.parametrize("n", [0, 1, 31, 999])
def test_squares(table, n):
    assert evaluate(f"{n} ^ 2") == table[n]


@pytest.mark.slow
def test_long_sum():
    time.sleep(0.1)
    assert evaluate(" + ".join(["1"] * 500)) == 500


@pytest.mark.skipif(sys.platform != "win32", reason="checks a calculator of Windows")
def test_like_the_other_calculator():
    raise AssertionError("not reached here")


@pytest.mark.xfail(reason="floats are binary", strict=True)
def test_decimal_sums_are_exact():
    assert evaluate("0.1 + 0.2") == 0.3
