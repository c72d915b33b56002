"""Comparisons of an expression, of parts that are translated already."""

import ast
from collections.abc import Sequence
from decimal import Decimal

from decision import leaves
from decision.leaves import Translation
from decision.logic import Code, bound, equality, in_order, joined, membership, negated
from decision.values import Kind

_ORDERS = {ast.Lt: ("<", "less"), ast.LtE: ("<=", "at_most"), ast.Gt: (">", "more"), ast.GtE: (">=", "at_least")}
_EQUALITIES = (ast.Eq, ast.NotEq)


def is_pairwise(operator: ast.cmpop) -> bool:
    """Tell whether it compares two values by their order, or whether they are equal."""
    return type(operator) in _ORDERS or isinstance(operator, _EQUALITIES)


def compared(node: ast.Compare, codes: Sequence[Code], translation: Translation) -> Code:
    """Return the comparison of each value with the next one."""
    sides = [node.left, *node.comparators]
    if len(codes) == 1 + 1:
        return _pair(node.ops[0], (codes[0], codes[1]), (sides[0], sides[1]), translation)
    names = [code._replace(tree=translation.scope.temporary()) for code in codes]
    pairs = [
        _pair(operator, (names[number], names[number + 1]), (sides[number], sides[number + 1]), translation)
        for number, operator in enumerate(node.ops)
    ]
    return bound(joined(ast.And(), pairs, translation.scope), names, codes)


def listed(code: Code, node: ast.Set | ast.List | ast.Tuple, translation: Translation) -> Code:
    """Return whether a value is one of those that are listed."""
    members = frozenset(_member(each, translation) for each in node.elts)
    if not members:
        raise translation.error("an empty list has nothing in it", node)
    if code.kind not in (Kind.ANY, *(Kind.TEXT if isinstance(each, str) else Kind.NUMBER for each in members)):
        raise translation.error(f"{code.kind.value} is never in this list", node)
    return membership(code, members, translation.scope)


def _pair(
    operator: ast.cmpop, codes: tuple[Code, Code], places: tuple[ast.expr, ast.expr], translation: Translation
) -> Code:
    a, b = codes
    if Kind.ANY not in (a.kind, b.kind) and a.kind is not b.kind:
        raise translation.error(f"{b.kind.value} is compared with {a.kind.value}", places[1])
    if isinstance(operator, _EQUALITIES):
        are_equal = equality(a, b, translation.scope)
        return are_equal if isinstance(operator, ast.Eq) else negated(are_equal, translation.scope)
    if Kind.CONDITION in (a.kind, b.kind):
        raise translation.error("conditions have no order", places[0])
    return in_order(*_ORDERS[type(operator)], a, b, translation.scope)


def _member(node: ast.expr, translation: Translation) -> str | Decimal:
    match node:
        case ast.Constant(value=str()):
            return leaves.text(node, translation)
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return leaves.number(node, translation)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as operand):
            return leaves.number(operand, translation).copy_negate()
    raise translation.error("only texts and numbers can be listed here", node)
