"""The syntax tree of a rule's expression, made once."""

import ast
import re
from decimal import Decimal
from functools import lru_cache

_LITERAL = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_MOST_KEPT = 1_000


@lru_cache(_MOST_KEPT)
def parsed(expression: str) -> ast.expr:
    """Return the tree, in which each number is a Decimal, as it is written; nobody may change it.

    Raises ValueError where one is written as none may be in a rule.
    """
    source = f"({expression}\n)"  # within brackets, line breaks and leading blanks are white space
    tree: ast.expr = _Numbers(source).visit(ast.parse(source, mode="eval").body)
    return tree


class _Numbers(ast.NodeTransformer):
    """Puts the number as it is written in the place of Python's own."""

    def __init__(self, source: str) -> None:
        self._source = source

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if node.value is None or isinstance(node.value, bool | str):
            return node
        written = ast.get_source_segment(self._source, node) or ""
        if not _LITERAL.fullmatch(written):
            raise ValueError(f"not allowed in a rule: {written}")
        return ast.Constant(Decimal(written))  # type: ignore[arg-type]
