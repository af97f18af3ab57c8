"""A calculator: calc.evaluate("2 * (3 + 4)") is 14."""

from calc.evaluate import evaluate
from calc.parse import ParseError, parse

__all__ = ["ParseError", "evaluate", "parse"]
