"""Whole-number expressions of C++ such as `OUT_HEIGHT_2*OUT_WIDTH_2`, as sizes stand in any project of hls4ml's."""

from __future__ import annotations

import ast
from collections.abc import Mapping

# Of whole numbers in a project: more is no size, and could be made larger without end.
_MAX_SIZE = 1 << 63


def whole_number(text: str | None, names: Mapping[str, str] | None = None) -> int | None:
    """The value of an expression over named ones, None where it has none that is a size."""
    if text is None:
        return None
    try:
        return _Expressions(names or {}).value(text)
    except (SyntaxError, KeyError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


class _Expressions:
    """Expressions over named ones, each name computed once: a few lines can name each other often."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._known: dict[str, int | None] = {}

    def value(self, text: str) -> int:
        """The value of an expression. Raises ValueError or KeyError where it has none that is a size."""
        value = self._of(ast.parse(text.strip().replace("/", "//"), mode="eval").body)
        if abs(value) >= _MAX_SIZE:
            raise ValueError("no size of a layer")
        return value

    def _named(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self.value(self._texts[name])
        found = self._known[name]
        if found is None:
            raise ValueError(f"{name} stands for itself")
        return found

    def _of(self, node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                return number
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self._of(inner)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self._of(left), self._of(right)
                match op:
                    case ast.Mult():
                        return a * b
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.FloorDiv():
                        return a // b
            case ast.Call(func=ast.Name(id="DIV_ROUNDUP" | "MIN" | "MAX" as name), args=[left, right]):
                a, b = self._of(left), self._of(right)
                return -(-a // b) if name == "DIV_ROUNDUP" else min(a, b) if name == "MIN" else max(a, b)
        raise ValueError(type(node).__name__)
