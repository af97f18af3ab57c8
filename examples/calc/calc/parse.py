"""Text to a tree: numbers, and tuples of an operator and its operands."""

import re

TOKEN = re.compile(r"\s*(?:(\d+\.?\d*)|(.))")
LEVELS = ("+-", "*/%", "^")


class ParseError(ValueError):
    """The text is no sum; says where."""


def tokens(text):
    """"2 * x" to [(2, 0), ("*", 2), ("x", 4)]: what, and where it stood."""
    found = []
    for match in TOKEN.finditer(text.rstrip()):
        number, sign = match.groups()
        if number:
            value = float(number) if "." in number else int(number)
            found.append((value, match.start(1)))
        else:
            found.append((sign, match.start(2)))
    return found


def parse(text):
    """"1 + 2" to ("+", 1, 2)."""
    parser = _Parser(tokens(text), len(text))
    tree = parser.level(0)
    if parser.peek() is not None:
        parser.fail("an operator")
    return tree


class _Parser:
    def __init__(self, tokens, end):
        self.tokens = tokens
        self.end = end
        self.at = 0

    def peek(self):
        return self.tokens[self.at][0] if self.at < len(self.tokens) else None

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1][0]

    def fail(self, wanted):
        place = self.tokens[self.at][1] if self.at < len(self.tokens) else self.end
        raise ParseError(f"column {place + 1}: expected {wanted}")

    def takes(self, signs):
        sign = self.peek()
        return isinstance(sign, str) and sign in signs

    def level(self, depth):
        if depth == len(LEVELS):
            return self.operand()
        left = self.level(depth + 1)
        while self.takes(LEVELS[depth]):
            sign = self.next()
            # Powers group to the right: 2 ^ 3 ^ 2 is 2 ^ 9.
            left = (sign, left, self.level(depth if sign == "^" else depth + 1))
        return left

    def operand(self):
        if self.takes("-"):
            self.next()
            return ("-", 0, self.operand())
        if self.takes("("):
            self.next()
            inner = self.level(0)
            if not self.takes(")"):
                self.fail("a closing bracket")
            self.next()
            return inner
        if isinstance(self.peek(), (int, float)):
            return self.next()
        return self.fail("a number")
