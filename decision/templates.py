"""Makes Python's syntax trees from templates, so that no text of a user's ever becomes code."""

import ast
from collections.abc import Mapping


def fill(template: str, **parts: ast.expr) -> ast.expr:
    """Return the expression of a template with parts in the place of the names in it."""
    tree = ast.parse(template, mode="eval").body
    return _Filled(parts).visit(tree) if parts else tree


def statement(template: str, **parts: ast.expr) -> ast.stmt:
    """Return the statement of a template with parts in the place of the names in it."""
    [tree] = ast.parse(template).body
    _Filled(parts).visit(tree)
    return tree


class _Filled(ast.NodeTransformer):
    def __init__(self, parts: Mapping[str, ast.expr]) -> None:
        self._parts = parts

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        part = self._parts.get(node.target.id)
        if isinstance(part, ast.Name):
            node.target.id = part.id
        node.value = self.visit(node.value)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._parts.get(node.id, node)
