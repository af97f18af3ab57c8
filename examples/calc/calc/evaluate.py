"""A tree to its value."""

import operator

from calc.parse import parse

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "^": operator.pow,
}


def value(tree):
    if isinstance(tree, tuple):
        sign, left, right = tree
        return OPERATORS[sign](value(left), value(right))
    return tree


def evaluate(text):
    return value(parse(text))
