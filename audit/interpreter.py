"""What a rule's expression says of a transaction, worked out on its syntax tree as docs/rules.md has it.

It is slow and plain, and shares nothing with what compiles the rules for the detector. An expression has been checked
before it gets here: of what is not allowed in one, this only raises ValueError where it comes upon it.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from audit.event_time import event_time, local_time
from audit.lists import NO_LISTS, ListsAt
from audit.operations import (
    CALCULATIONS,
    COMPARISONS,
    FUNCTIONS,
    SIGNS,
    contains,
    every,
    is_one_of,
    opposite,
    short,
)
from audit.syntax import parsed
from payments.mapping import Path
from payments.transaction import Transaction

_MEMBERSHIPS = (ast.In, ast.NotIn, ast.Is, ast.IsNot)
_PARTS_OF_TIME: Mapping[str, Callable[[datetime], int]] = {"hour": attrgetter("hour"), "weekday": datetime.isoweekday}

T = TypeVar("T")


class _Question(NamedTuple):
    """What an expression is asked about."""

    transaction: Transaction
    record_ms: int
    lists: ListsAt


def value_of(expression: str, transaction: Transaction, record_ms: int, lists: ListsAt = NO_LISTS) -> object:
    """Return what an expression says of a transaction whose record has this time, in ms since the epoch.

    A condition is True, False, or None where it is undecided.
    """
    return _value(parsed(expression), _Question(transaction, record_ms, lists))


def _value(node: ast.expr, asked: _Question) -> object:
    return _allowed(_NODES, type(node))(node, asked)


def _values(nodes: Sequence[ast.expr], asked: _Question) -> Sequence[object]:
    return list(map(_value, nodes, repeat(asked)))  # a loop would take one more level of Python's stack


def _allowed(table: Mapping[Any, T], key: object) -> T:
    if key not in table:
        raise ValueError(f"not allowed in a rule: {key}")
    return table[key]


def _constant(node: ast.Constant, _asked: _Question) -> object:
    if node.value is None:
        raise ValueError("not allowed in a rule: None")
    return node.value


def _name(node: ast.Name, asked: _Question) -> object:
    if node.id == "currency":
        return short(asked.transaction.currency) or None
    if node.id == "amount":
        return asked.transaction.amount
    if node.id not in {"id", "source", "target"}:
        raise ValueError(f"not allowed in a rule: {node.id}")
    return short(getattr(asked.transaction, node.id))


def _field(node: ast.Subscript, asked: _Question) -> object:
    return asked.transaction.glance(_path(node))


def _path(node: ast.expr) -> Path:
    match node:
        case ast.Name(id="field"):
            return ()
        case ast.Subscript(value=around, slice=ast.Constant(value=str(name))):
            return (*_path(around), name)
    raise ValueError(f"not allowed in a rule: {ast.unparse(node)}")


def _and_or(node: ast.BoolOp, asked: _Question) -> bool | None:
    decides = isinstance(node.op, ast.Or)
    is_known = True
    for part in node.values:
        value = _value(part, asked)
        if value is decides:
            return decides
        is_known = is_known and isinstance(value, bool)
    return not decides if is_known else None


def _either(node: ast.IfExp, asked: _Question) -> object:
    condition = _value(node.test, asked)
    if not isinstance(condition, bool):
        return None
    return _value(node.body if condition else node.orelse, asked)


def _signed(node: ast.UnaryOp, asked: _Question) -> object:
    value = _value(node.operand, asked)
    if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and isinstance(value, Decimal):
        return value.copy_negate()
    return _allowed(SIGNS, type(node.op))(value)


def _calculation(node: ast.BinOp, asked: _Question) -> object:
    return _allowed(CALCULATIONS, type(node.op))(_value(node.left, asked), _value(node.right, asked))


def _comparison(node: ast.Compare, asked: _Question) -> bool | None:
    if not isinstance(node.ops[0], _MEMBERSHIPS):
        values = _values([node.left, *node.comparators], asked)
        return every(list(map(_compared, node.ops, values, values[1:])))
    match node:
        case ast.Compare(ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return _value(node.left, asked) is None
        case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return _value(node.left, asked) is not None
        case ast.Compare(ops=[ast.In()], comparators=[container]):
            return _is_in(node.left, container, asked)
        case ast.Compare(ops=[ast.NotIn()], comparators=[container]):
            return opposite(_is_in(node.left, container, asked))
    raise ValueError(f"not allowed in a rule: {ast.unparse(node)}")


def _compared(sign: ast.cmpop, value: object, other: object) -> bool | None:
    return _allowed(COMPARISONS, type(sign))(value, other)


def _is_in(node: ast.expr, container: ast.expr, asked: _Question) -> bool | None:
    value = _value(node, asked)
    if isinstance(container, ast.Set | ast.List | ast.Tuple):
        return is_one_of(value, _values(container.elts, asked))
    match container:
        case ast.Subscript(value=ast.Name(id="list"), slice=ast.Constant(value=str(name))):
            return _is_member(value, name, asked)
    return contains(_value(container, asked), value)


def _is_member(value: object, name: str, asked: _Question) -> bool | None:
    if value is None:
        return None
    spell = asked.lists.find(name, value)
    if spell is None or spell.expires is None:
        return spell is not None
    event = event_time(asked.transaction, asked.record_ms)
    return None if event is None else event < spell.expires


def _call(node: ast.Call, asked: _Question) -> object:
    match node:
        case ast.Call(func=ast.Name(id="hour" | "weekday" as name), args=[ast.Constant(value=str(zone))], keywords=[]):
            time = local_time(zone, asked.transaction, asked.record_ms)
            return None if time is None else _PARTS_OF_TIME[name](time)
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return _allowed(FUNCTIONS, name)(*_values(node.args, asked))
    raise ValueError(f"not allowed in a rule: {ast.unparse(node)}")


_NODES: Mapping[type[ast.expr], Callable[[Any, _Question], object]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Subscript: _field,
    ast.BoolOp: _and_or,
    ast.IfExp: _either,
    ast.UnaryOp: _signed,
    ast.BinOp: _calculation,
    ast.Compare: _comparison,
    ast.Call: _call,
}
