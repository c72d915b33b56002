"""What a value of the input says, read by code that shares nothing with the detector."""

import json
import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, TypeGuard

from messaging.batch import Record
from payments.transaction import Transaction

_MOST_LEVELS = 500  # a parser may give up somewhere behind that, Python's own too
_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_TEXTS = ("id", "source", "target")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS = dict(zip(b"[{]}", (1, 1, -1, -1), strict=True))
_OTHERS = bytes(set(range(256)) - _STEPS.keys())
_ESCAPES = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)


class _Number(str):
    """A JSON number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """A JSON object as it is written: a name may be there several times."""

    __slots__ = ()


def read(value: bytes | None) -> Transaction | None:
    """Return the transaction that the value is, or None, as the README's section on the wire has it."""
    try:
        text = (value or b"").decode()
        pairs = _decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, _Object) or _has_half_a_character(text):
        return None
    if not all(_is_text(found) for name, found in pairs if name in _TEXTS):  # a name may be there twice
        return None
    fields = dict(pairs)
    itself, source, target = fields.get("id"), fields.get("source"), fields.get("target")
    amount = _amount(fields.get("amount"))
    if amount is None or not (_is_text(itself) and _is_text(source) and _is_text(target)):
        return None
    return Transaction(itself, source, target, amount, *map(_text, (fields.get("currency"), fields.get("timestamp"))))


def identity(record: Record) -> str | bytes | None:
    """Return what tells a record from others even where something about it was changed: its id, else its value."""
    transaction = read(record.value)
    return record.value if transaction is None else transaction.id


def is_deep(value: bytes) -> bool:
    """Tell whether it is an object that is nested deeper than every parser reads."""
    if not value.lstrip().startswith(b"{") or value.count(b"[") + value.count(b"{") <= _MOST_LEVELS:
        return False
    brackets = _STRINGS.sub(b"", value).translate(None, _OTHERS)
    if brackets.count(b"[") + brackets.count(b"{") != brackets.count(b"]") + brackets.count(b"}"):
        return False
    return max(accumulate(map(_STEPS.__getitem__, brackets))) > _MOST_LEVELS


def _amount(written: Any) -> Decimal | None:
    if not (isinstance(written, str) and _DIGITS.fullmatch(written)):
        return None
    try:
        amount = Decimal(written)
    except InvalidOperation:
        return None
    return amount if amount >= 0 else None


def _text(found: Any) -> str:
    return found if _is_text(found) else ""


def _is_text(found: Any) -> TypeGuard[str]:
    return type(found) is str


def _has_half_a_character(text: str) -> bool:
    """Tell whether JSON spells a surrogate that is no pair's: no UTF-8 can hold it."""
    return "\\u" in text and any(match[1] for match in _ESCAPES.finditer(text))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_decode = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_refuse, object_pairs_hook=_Object
).decode
