"""What a rule can do with values, for the interpreter: docs/rules.md has it in the same words.

A value is text, a number (int or Decimal), a truth value, a list or dict of a record, or None. What is undecided, or
cannot be calculated, is None.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation
from fractions import Fraction
from functools import partial
from typing import Any

from audit.reading import DIGITS

_MOST_CHARACTERS = 256
_MOST_DIGITS = 50
_SMALLEST, _TOO_LARGE = Decimal("1e-50"), Decimal("1e51")
_CONTEXT = Context(prec=_MOST_DIGITS, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero])

_NOTHING, _TRUTH, _NUMBER, _TEXT, _COLLECTION = "nothing", "truth value", "number", "text", "collection"
_KINDS: Mapping[type, str] = {
    type(None): _NOTHING,
    bool: _TRUTH,
    int: _NUMBER,
    Decimal: _NUMBER,
    str: _TEXT,
    list: _COLLECTION,
    dict: _COLLECTION,
}


def short(text: str) -> str | None:
    """Return a text that is not too long, None for one that is."""
    return text if len(text) <= _MOST_CHARACTERS else None


def every(values: Sequence[object]) -> bool | None:
    """Join values as `and` does."""
    if any(value is False for value in values):
        return False
    return True if all(value is True for value in values) else None


def opposite(value: object) -> bool | None:
    """Return what `not` makes of a value."""
    return not value if isinstance(value, bool) else None


def is_one_of(value: object, listed: Sequence[object]) -> bool | None:
    """Tell whether a value is `in {...}`."""
    return None if value is None else any(_is_equal(value, each) is True for each in listed)


def contains(text: object, part: object) -> bool | None:
    """Tell whether a text has another one within, which is then `in` it."""
    return part in text if isinstance(text, str) and isinstance(part, str) else None


def _is_equal(value: object, other: object) -> bool | None:
    kind, other_kind = _kind(value), _kind(other)
    if _NOTHING in (kind, other_kind) or kind == other_kind == _COLLECTION:
        return None
    return kind == other_kind and value == other


def _is_unequal(value: object, other: object) -> bool | None:
    return opposite(_is_equal(value, other))


def _in_order(compare: Callable[[Any, Any], bool], value: object, other: object) -> bool | None:
    kind = _kind(value)
    return compare(value, other) if kind == _kind(other) and kind in (_NUMBER, _TEXT) else None


def _kind(value: object) -> str:
    return _KINDS[type(value)]


def _calculated(operation: Callable[..., Decimal], *values: object) -> Decimal | None:
    operands = [_operand(value) for value in values]
    if any(operand is None for operand in operands):
        return None
    try:
        return operation(*operands)
    except (InvalidOperation, DivisionByZero):
        return None


def _operand(value: object) -> Decimal | None:
    """Return a number to calculate with; None for what is none, has too many digits, or is too large or too small.

    Zeros in front are no digits, zeros at the end are: 0.05 has one, 5.00 has three.
    """
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    number = Decimal(value)
    if number == 0:
        return Decimal(0)
    has_too_many_digits = len(number.as_tuple().digits) > _MOST_DIGITS
    return number if not has_too_many_digits and _SMALLEST <= number.copy_abs() < _TOO_LARGE else None


def _multiple_below(number: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of the step that is not above. Raises InvalidOperation as a remainder does."""
    count = Fraction(number) // Fraction(step) if step > 0 else None
    if count is None or abs(count) >= 10**_MOST_DIGITS:
        raise InvalidOperation
    return _CONTEXT.multiply(Decimal(count), step)


def _round_down(number: object, step: object = 1) -> Decimal | None:
    return _calculated(_multiple_below, number, step)


def _number(value: object) -> object:
    if _kind(value) == _NUMBER:
        return value
    if not isinstance(value, str) or not DIGITS.fullmatch(value):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:  # its exponent is too large to hold
        return None


def _lower(text: object) -> str | None:
    return short(text.lower()) if isinstance(text, str) else None


def _first_known(*values: object) -> object:
    return next((value for value in values if value is not None), None)


def _all_of_kind(kind: str, function: Callable[..., object], *values: object) -> object:
    return function(*values) if all(_kind(value) == kind for value in values) else None


SIGNS: Mapping[type[ast.unaryop], Callable[[object], object]] = {
    ast.Not: opposite,
    ast.USub: partial(_calculated, _CONTEXT.minus),
}

CALCULATIONS: Mapping[type[ast.operator], Callable[[object, object], object]] = {
    ast.Add: partial(_calculated, _CONTEXT.add),
    ast.Sub: partial(_calculated, _CONTEXT.subtract),
    ast.Mult: partial(_calculated, _CONTEXT.multiply),
    ast.Div: partial(_calculated, _CONTEXT.divide),
    ast.Mod: partial(_calculated, _CONTEXT.remainder),
}

COMPARISONS: Mapping[type[ast.cmpop], Callable[[object, object], bool | None]] = {
    ast.Eq: _is_equal,
    ast.NotEq: _is_unequal,
    ast.Lt: partial(_in_order, operator.lt),
    ast.LtE: partial(_in_order, operator.le),
    ast.Gt: partial(_in_order, operator.gt),
    ast.GtE: partial(_in_order, operator.ge),
}

FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "number": _number,
    "lower": _lower,
    "length": partial(_all_of_kind, _TEXT, len),
    "starts_with": partial(_all_of_kind, _TEXT, str.startswith),
    "ends_with": partial(_all_of_kind, _TEXT, str.endswith),
    "absolute": partial(_calculated, _CONTEXT.abs),
    "round_down": _round_down,
    "smallest": partial(_all_of_kind, _NUMBER, min),
    "largest": partial(_all_of_kind, _NUMBER, max),
    "first_known": _first_known,
}
