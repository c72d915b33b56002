"""What can be in a list: texts, numbers and truth values. 1, "1" and true are three; 1 and 1.0 are one."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from decision.values import DIGITS, LONGEST_TEXT, operand

Member = str | bool | int | Decimal
EXPECTED = (
    f"a member is a text of at most {LONGEST_TEXT} characters, a number of at most {DIGITS} digits, true or false"
)
_TRUTHS: Mapping[bool, object] = {True: ("true",), False: ("false",)}  # as keys: True equals 1


def key_of(value: object) -> object:
    """Return as what a value is looked up: equal to no other but the same number; None for what can be no member."""
    if type(value) is bool:
        return _TRUTHS[value]
    return value if type(value) in (str, int, Decimal) else None


def keys_of(members: Sequence[Any]) -> Sequence[object]:
    """Return as what members are looked up."""
    return members if _are_texts(members) else [*map(key_of, members)]


def member_of(key: Any) -> Member:
    """Return the member that is looked up so."""
    return key == _TRUTHS[True] if isinstance(key, tuple) else key


def written(member: Member) -> str:
    """Return a member as JSON has it."""
    return _encode(member).decode()


def are_members(values: Sequence[Any]) -> bool:
    """Tell whether all of these can be members."""
    if _are_texts(values):
        return max(map(len, values), default=0) <= LONGEST_TEXT
    return all(map(is_member, values))


def is_member(value: object) -> bool:
    """Tell whether a value can be a member."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    number = operand(value)
    return isinstance(value, bool) or (number is not None and number.is_finite())


def _are_texts(values: Sequence[Any]) -> bool:
    """Tell whether all are texts, which nearly always they are; for a million of them it has to be quick."""
    return {*map(type, values)} <= {str}


_encode = msgspec.json.Encoder(decimal_format="number").encode
