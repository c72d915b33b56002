"""How values are calculated and compared, of whatever type they are: None where there is no answer.

Nothing here raises, or takes long, whatever a record holds.
"""

from collections.abc import Callable, Mapping
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_05UP,
    Context,
    Decimal,
    DecimalException,
    Overflow,
    Rounded,
    Subnormal,
    Underflow,
)
from enum import Enum
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

from payments.fields import EXACT
from payments.transaction import LONGEST_SEEN

DIGITS = 50
LONGEST_TEXT = LONGEST_SEEN
NUMBERS = (Decimal, int)
ARITHMETIC = Context(prec=DIGITS, traps=[])
_ROUNDED = Context(prec=5_000, rounding=ROUND_05UP, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Subnormal])
_CONTAINERS = (list, dict)
_OPERAND = Context(prec=DIGITS, Emax=DIGITS, Emin=-DIGITS, traps=[Rounded, Overflow, Subnormal, Underflow])


class Kind(Enum):
    """What an expression's value is, where it is known."""

    NUMBER = "a number"
    TEXT = "text"
    CONDITION = "a condition"
    ANY = "any value"


def rounded(amount: Decimal) -> Decimal:
    """Return an amount of at most 5,000 digits that compares as this one with whatever an expression can hold.

    That has fewer digits, and ROUND_05UP tells by the last one that others were cut off.
    """
    try:
        return _ROUNDED.plus(amount)
    except Subnormal:  # the exponent is too small for so few digits
        return EXACT.scaleb(_ROUNDED.plus(EXACT.scaleb(amount, MAX_EMAX)), -MAX_EMAX)


def operand(value: object) -> Decimal | None:
    """Return a number that can be calculated with: 50 digits, 0 or from 1e-50 to 1e51."""
    if type(value) is not Decimal:
        if type(value) is not int:
            return None
        value = Decimal(value)
    try:
        return _OPERAND.plus(value)
    except DecimalException:
        return None


def calculate(operation: Callable[[Decimal, Decimal], Decimal], left: object, right: object) -> Decimal | None:
    """Return the result, rounded half even to 50 digits; None where there is none."""
    a, b = operand(left), operand(right)
    if a is None or b is None:
        return None
    result = operation(a, b)
    return result if result.is_finite() else None


add = partial(calculate, ARITHMETIC.add)
subtract = partial(calculate, ARITHMETIC.subtract)
multiply = partial(calculate, ARITHMETIC.multiply)
divide = partial(calculate, ARITHMETIC.divide)
remainder = partial(calculate, ARITHMETIC.remainder)
negative = partial(subtract, 0)


def ordered(compare: Callable[[Any, Any], bool], left: object, right: object) -> bool | None:
    """Return how two numbers, or two texts, stand in order; None for whatever else."""
    kinds = type(left), type(right)
    if kinds == (str, str) or (kinds[0] in NUMBERS and kinds[1] in NUMBERS):
        return compare(left, right)
    return None


less, at_most, more, at_least = (partial(ordered, compare) for compare in (lt, le, gt, ge))


def equal(left: object, right: object) -> bool | None:
    """Return whether two values are the same; those of different types are not. Arrays and objects cannot be told."""
    if left is None or right is None or (type(left) in _CONTAINERS and type(right) in _CONTAINERS):
        return None
    is_comparable = type(left) is type(right) or (type(left) in NUMBERS and type(right) in NUMBERS)
    return is_comparable and left == right


def contains(text: object, part: object) -> bool | None:
    """Return whether a text has a part."""
    return part in text if type(text) is str and type(part) is str else None


OPERATORS: Mapping[str, Callable[..., object]] = {
    "add": add,
    "subtract": subtract,
    "multiply": multiply,
    "divide": divide,
    "remainder": remainder,
    "negative": negative,
    "less": less,
    "at_most": at_most,
    "more": more,
    "at_least": at_least,
    "equal": equal,
    "contains": contains,
}
