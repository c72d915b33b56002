"""The rule language: checks an expression, and translates it into Python that cannot raise.

docs/rules.md says what each part means. Every value may be None but id, source, target, amount, and what is written
out.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from decision import leaves
from decision.comparison import compared, is_pairwise, listed
from decision.functions import FUNCTIONS
from decision.leaves import Translation
from decision.logic import Code, called, chosen, condition, joined, negated
from decision.scope import Scope
from decision.source import InvalidExpression, Source
from decision.templates import fill
from decision.values import Kind
from decision.zones import time_zone

MOST_PARTS = 200
_ARITHMETIC = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Mod: "remainder"}
_NOT_ALLOWED: Mapping[type[ast.AST], str] = {
    ast.Attribute: "a dot behind a value",
    ast.Lambda: "lambda",
    ast.JoinedStr: "an f-string",
    ast.Dict: "a dict",
    ast.NamedExpr: "an assignment",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.UAdd: "a plus sign",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.ListComp: "a loop",
    ast.SetComp: "a loop",
    ast.GeneratorExp: "a loop",
    ast.Set: "a list",
    ast.List: "a list",
    ast.Tuple: "a list, which is what a comma makes,",
}


class Expression(NamedTuple):
    """A checked expression as Python, and what it looks at, by how that is written."""

    tree: ast.expr
    parts: Mapping[str, ast.expr]


def translate(text: str, scope: Scope) -> Expression:
    """Return a condition. Raises InvalidExpression."""
    code, parts = _translated(text, Kind.CONDITION, scope)
    return Expression(condition(code, scope).tree, parts)


def translate_number(text: str, scope: Scope) -> Expression:
    """Return what is a number, or None. Raises InvalidExpression."""
    code, parts = _translated(text, Kind.NUMBER, scope)
    return Expression(code.tree, parts)


def _translated(text: str, kind: Kind, scope: Scope) -> tuple[Code, Mapping[str, ast.expr]]:
    source = Source(text)
    tree = source.tree()
    count = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if count > MOST_PARTS:
        raise source.error(f"{count} parts; at most {MOST_PARTS} are allowed", 0)
    translation = Translation(source, scope, {})
    try:
        return _of_kind(tree, kind, translation), translation.parts
    except RecursionError:
        raise source.too_deep() from None


def _of_kind(node: ast.expr, kind: Kind, translation: Translation) -> Code:
    code = _code(node, translation)
    if kind is not Kind.ANY and code.kind not in (kind, Kind.ANY):
        raise translation.error(f"{kind.value} is expected here, and this is {code.kind.value}", node)
    return code


def _code(node: ast.expr, translation: Translation) -> Code:
    how = _BY_TYPE.get(type(node))
    if how is None:
        raise _not_allowed(node, node, translation)
    return how(node, translation)


def _call(node: ast.Call, translation: Translation) -> Code:
    if not isinstance(node.func, ast.Name):
        raise translation.error("only a function can be called", node.func)
    name = node.func.id
    known = FUNCTIONS.get(name)
    if known is None:
        raise leaves.unknown_function(node.func, FUNCTIONS, translation)
    if node.keywords or not known.least <= len(node.args) <= len(known.takes):
        raise translation.error(f"expected {name}{known.usage}", node)
    if known.is_timed:
        return Code(_timed(name, node.args[0], translation), known.result)
    arguments = [_of_kind(each, kind, translation).tree for each, kind in zip(node.args, known.takes, strict=False)]
    return Code(called(name, arguments), known.result)


def _timed(name: str, argument: ast.expr, translation: Translation) -> ast.expr:
    """Return the call of a function of the event's time and a zone."""
    zone = time_zone(leaves.text(argument, translation))
    if zone is None:
        raise translation.error('there is no such time zone; expected one such as "Europe/Berlin"', argument)
    event = translation.scope.loaded_late("event", fill("event_time(t, at)"))
    tree = fill(f"{name}(E, Z)", E=event, Z=translation.scope.constant(zone))
    return translation.looks_at(f'{name}("{zone}")', tree)


def _and_or(node: ast.BoolOp, translation: Translation) -> Code:
    parts = [_of_kind(each, Kind.CONDITION, translation) for each in node.values]
    return joined(node.op, parts, translation.scope)


def _unary(node: ast.UnaryOp, translation: Translation) -> Code:
    if isinstance(node.op, ast.Not):
        return negated(_of_kind(node.operand, Kind.CONDITION, translation), translation.scope)
    if not isinstance(node.op, ast.USub):
        raise _not_allowed(node.op, node, translation)
    if isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float):
        value = leaves.number(node.operand, translation).copy_negate()
        return Code(translation.scope.constant(value), Kind.NUMBER, is_certain=True)
    return Code(called("negative", [_of_kind(node.operand, Kind.NUMBER, translation).tree]), Kind.NUMBER)


def _calculation(node: ast.BinOp, translation: Translation) -> Code:
    name = _ARITHMETIC.get(type(node.op))
    if name is None:
        raise _not_allowed(node.op, node, translation)
    sides = [_of_kind(side, Kind.NUMBER, translation).tree for side in (node.left, node.right)]
    return Code(called(name, sides), Kind.NUMBER)


def _choice(node: ast.IfExp, translation: Translation) -> Code:
    test = _of_kind(node.test, Kind.CONDITION, translation)
    return chosen(test, _code(node.body, translation), _code(node.orelse, translation), translation.scope)


def _comparison(node: ast.Compare, translation: Translation) -> Code:
    others = [side for operator, side in zip(node.ops, node.comparators, strict=True) if not is_pairwise(operator)]
    if not others:
        codes = [_code(side, translation) for side in (node.left, *node.comparators)]
        return compared(node, codes, translation)
    if len(node.ops) > 1:
        raise translation.error("`in` and `is` cannot be part of a chain: write `a in b and b < c`", others[0])
    [operator], [right] = node.ops, node.comparators
    if isinstance(operator, ast.In | ast.NotIn):
        within = _within(node.left, right, translation)
        return within if isinstance(operator, ast.In) else negated(within, translation.scope)
    if not (isinstance(right, ast.Constant) and right.value is None):
        raise translation.error("`is` is for None only; other values are compared by ==", right)
    how = "X is None" if isinstance(operator, ast.Is) else "X is not None"
    return Code(fill(how, X=_code(node.left, translation).tree), Kind.CONDITION, is_certain=True)


def _within(left: ast.expr, right: ast.expr, translation: Translation) -> Code:
    if isinstance(right, ast.Constant):
        raise translation.error('a list is written {"NG", "RU"}', right)
    if leaves.is_list(right):
        return _in_list(left, right, translation)
    if isinstance(right, ast.Set | ast.List | ast.Tuple):
        return listed(_code(left, translation), right, translation)
    sides = [_of_kind(side, Kind.TEXT, translation).tree for side in (right, left)]
    return Code(called("contains", sides), Kind.CONDITION)


def _in_list(left: ast.expr, right: ast.Subscript, translation: Translation) -> Code:
    value, scope = _code(left, translation), translation.scope
    name = leaves.list_name(right, translation)
    tree = fill("in_list(X, L, lists, t, at)", X=value.tree, L=scope.list(name))
    part = f"{translation.source.written(left)} in {leaves.written_list(name)}"
    return Code(translation.looks_at(part, tree), Kind.CONDITION)


def _not_allowed(what: ast.AST, place: ast.expr, translation: Translation) -> InvalidExpression:
    return translation.error(f"{_NOT_ALLOWED.get(type(what), 'this')} is not allowed here", place)


_BY_TYPE: Mapping[type[ast.expr], Callable[[Any, Translation], Code]] = {
    ast.Constant: leaves.constant,
    ast.Name: leaves.name,
    ast.Subscript: leaves.field,
    ast.Call: _call,
    ast.BoolOp: _and_or,
    ast.UnaryOp: _unary,
    ast.BinOp: _calculation,
    ast.Compare: _comparison,
    ast.IfExp: _choice,
}
