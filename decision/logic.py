"""The parts of an expression as Python, and how they are put together: three values, as in SQL."""

import ast
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from decision.scope import Scope
from decision.templates import fill
from decision.values import Kind

_IS_KIND = {Kind.NUMBER: "type(V := X) is NUMBER or type(V) is WHOLE", Kind.TEXT: "type(V := X) is TEXT"}


class Code(NamedTuple):
    """A part of an expression as Python; `is_certain` where it is never None."""

    tree: ast.expr
    kind: Kind
    is_certain: bool = False

    @property
    def is_decided(self) -> bool:
        """Whether it is always true or false."""
        return self.is_certain and self.kind is Kind.CONDITION


def called(function: str, arguments: Sequence[ast.expr]) -> ast.expr:
    """Return the call of one of the functions that are known by name."""
    return ast.Call(fill(function), [*arguments], [])


def condition(code: Code, scope: Scope) -> Code:
    """Return the condition that a value is: true, false, or undecided for any other value."""
    if code.kind is Kind.CONDITION:
        return code
    how = "V if (V := X) is True or V is False else None"
    return Code(fill(how, X=code.tree, V=scope.temporary()), Kind.CONDITION)


def negated(code: Code, scope: Scope) -> Code:
    """Return `not` a condition."""
    if code.is_decided:
        return code._replace(tree=fill("not X", X=code.tree))
    how = "True if (V := X) is False else False if V is True else None"
    return Code(fill(how, X=code.tree, V=scope.temporary()), Kind.CONDITION)


def joined(operator: ast.boolop, parts: Sequence[Code], scope: Scope) -> Code:
    """Return conditions with `and` or `or` between them."""
    trees = [part.tree for part in parts]
    if all(part.is_decided for part in parts):
        return Code(ast.BoolOp(operator, trees), Kind.CONDITION, is_certain=True)
    ends, goes_on = ("False", "True") if isinstance(operator, ast.And) else ("True", "False")
    names = [scope.temporary() for _ in parts]
    one_ends = [fill(f"(V := X) is {ends}", V=name, X=tree) for name, tree in zip(names, trees, strict=True)]
    all_go_on = [fill(f"V is {goes_on}", V=name) for name in names]
    whole = fill(
        f"{ends} if ONE else {goes_on} if ALL else None",
        ONE=ast.BoolOp(ast.Or(), one_ends),
        ALL=ast.BoolOp(ast.And(), all_go_on),
    )
    return Code(whole, Kind.CONDITION)


def chosen(test: Code, then: Code, other: Code, scope: Scope) -> Code:
    """Return one of two values by a condition."""
    how = "A if X else B" if test.is_decided else "A if (V := X) is True else B if V is False else None"
    tree = fill(how, A=then.tree, B=other.tree, X=test.tree, V=scope.temporary())
    kind = then.kind if then.kind is other.kind else Kind.ANY
    return Code(tree, kind, test.is_decided and then.is_certain and other.is_certain)


def in_order(sign: str, function: str, a: Code, b: Code, scope: Scope) -> Code:
    """Return how two values stand in order; `function` tells that of values of any types."""
    if _are_known_alike(a, b):
        return Code(fill(f"A {sign} B", A=a.tree, B=b.tree), Kind.CONDITION, is_certain=True)
    uncertain, other = (a, b) if b.is_certain else (b, a)
    if not other.is_certain or other.kind is Kind.ANY:
        return Code(called(function, [a.tree, b.tree]), Kind.CONDITION)
    name = scope.temporary()
    sides = {"A": a.tree, "B": b.tree, "A" if uncertain is a else "B": name}
    guard = _IS_KIND[other.kind] if uncertain.kind is Kind.ANY else "(V := X) is not None"
    tree = fill(f"(A {sign} B) if {guard} else None", **sides, V=name, X=uncertain.tree)
    return Code(tree, Kind.CONDITION)


def equality(a: Code, b: Code, scope: Scope) -> Code:
    """Return whether two values are the same."""
    if _are_known_alike(a, b):
        return Code(fill("A == B", A=a.tree, B=b.tree), Kind.CONDITION, is_certain=True)
    uncertain, other = (a, b) if b.is_certain else (b, a)
    if not other.is_certain or other.kind not in (Kind.TEXT, Kind.NUMBER):
        return Code(called("equal", [a.tree, b.tree]), Kind.CONDITION)
    may_be_condition = uncertain.kind is Kind.ANY and other.kind is Kind.NUMBER
    how = "type(V) is not CONDITION and V == B" if may_be_condition else "V == B"
    tree = fill(f"None if (V := X) is None else {how}", V=scope.temporary(), X=uncertain.tree, B=other.tree)
    return Code(tree, Kind.CONDITION)


def membership(code: Code, members: frozenset[str | Decimal], scope: Scope) -> Code:
    """Return whether a value is one of these."""
    values = scope.constant(members)
    if code.is_certain and code.kind is not Kind.ANY:
        return Code(fill("X in C", X=code.tree, C=values), Kind.CONDITION, is_certain=True)
    how = "None if (V := X) is None else type(V) in SCALARS and V in C"
    return Code(fill(how, V=scope.temporary(), X=code.tree, C=values), Kind.CONDITION)


def bound(whole: Code, names: Sequence[Code], codes: Sequence[Code]) -> Code:
    """Return what uses each of these several times by its name, and asks for it once."""
    steps = [fill("(V := X)", V=name.tree, X=code.tree) for name, code in zip(names, codes, strict=True)]
    return whole._replace(tree=fill("T[-1]", T=ast.Tuple([*steps, whole.tree], ast.Load())))


def _are_known_alike(a: Code, b: Code) -> bool:
    """Tell whether two values are never None, and of the same kind."""
    return a.is_certain and b.is_certain and a.kind is b.kind and a.kind is not Kind.ANY
