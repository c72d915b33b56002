"""What a value of the input says, read by code that shares nothing with the detector but the settings of the fields."""

import json
import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, TypeGuard

from audit.transaction import PER_SECOND, WHOLE_NUMBER, YEAR_10000, AuditedTransaction, Number, Object, find, plain
from messaging.batch import Record
from payments.mapping import FieldMapping, Path, WrittenTime

_MOST_LEVELS = 200  # a parser, or what copies an object for a rule, may give up somewhere behind that
DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_FRAME = re.compile(rb"\0.{4}", re.DOTALL)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS = dict(zip(b"[{]}", (1, 1, -1, -1), strict=True))
_OTHERS = bytes(set(range(256)) - _STEPS.keys())
_ESCAPES = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)


def read(record: Record, mapping: FieldMapping) -> AuditedTransaction | None:
    """Return the transaction that a record's value is, or None, as the README's section on the wire has it."""
    try:
        text = without_frame(record.value or b"").decode()
        pairs = _decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, Object) or _has_half_a_character(text):
        return None
    place = f"{record.topic}-{record.partition}-{record.offset}"
    itself = place if mapping.id is None else _identity(find(pairs, mapping.id))
    source, target = _identity(find(pairs, mapping.source)), _identity(find(pairs, mapping.target))
    amount = _amount(find(pairs, mapping.amount), mapping.amount_scale)
    currency = "" if mapping.currency is None else _currency(find(pairs, mapping.currency), mapping.currency)
    time = "" if mapping.timestamp is None else _time(find(pairs, mapping.timestamp), mapping)
    if itself is None or source is None or target is None or amount is None or currency is None or time is None:
        return None
    return AuditedTransaction(itself, source, target, amount, currency, time, pairs, mapping.timestamp_unit)


def identity(record: Record, mapping: FieldMapping) -> str | bytes | None:
    """Return what tells a record from others even where something about it was changed: its id, else its value."""
    if mapping.id is None:
        return record.value
    try:
        pairs = _decode(without_frame(record.value or b"").decode())
    except (ValueError, RecursionError):
        return record.value
    itself = _identity(find(pairs, mapping.id))
    return record.value if itself is None else itself


def without_frame(value: bytes) -> bytes:
    """Return the value without the five bytes that a schema registry's serializers put before it."""
    return _FRAME.sub(b"", value, count=1) if value.startswith(b"\0") else value


def is_deep(value: bytes) -> bool:
    """Tell whether it is an object that is nested deeper than every parser reads."""
    value = without_frame(value)
    if not value.lstrip().startswith(b"{") or value.count(b"[") + value.count(b"{") <= _MOST_LEVELS:
        return False
    brackets = _STRINGS.sub(b"", value).translate(None, _OTHERS)
    if brackets.count(b"[") + brackets.count(b"{") != brackets.count(b"]") + brackets.count(b"}"):
        return False
    return max(accumulate(map(_STEPS.__getitem__, brackets))) > _MOST_LEVELS


def _identity(found: Any) -> str | None:
    if _is_text(found):
        return found
    if not (isinstance(found, Number) and WHOLE_NUMBER.fullmatch(found)):
        return None
    return _without_sign_of_zero(found)


def _without_sign_of_zero(written: str) -> str:
    """Return the whole number 0 for -0, which are one to whoever reads whole numbers; texts stay as they are."""
    return "0" if isinstance(written, Number) and written == "-0" else str(written)


def _amount(written: Any, scale: int) -> Decimal | None:
    if not (isinstance(written, str) and DIGITS.fullmatch(written)):
        return None
    try:
        amount = Decimal(_without_sign_of_zero(written))
        sign, digits, exponent = amount.as_tuple()
        scaled = Decimal((sign, digits, int(exponent) - scale)) if scale else amount
    except InvalidOperation:
        return None
    return None if scaled < 0 else scaled


def _currency(found: Any, path: Path) -> str | None:
    return found if _is_text(found) else _missing(path, "currency")


def _time(found: Any, mapping: FieldMapping) -> WrittenTime | None:
    if _is_text(found):
        return found
    number = plain(found) if isinstance(found, Number) else None
    largest = YEAR_10000 * PER_SECOND["ns" if mapping.timestamp_unit == "auto" else mapping.timestamp_unit]
    if isinstance(number, int | Decimal) and 0 <= number < largest:
        return number
    return _missing(mapping.timestamp or (), "timestamp")


def _missing(path: Path, default: str) -> str | None:
    """Return what stands for a field that is missing: only a path that was not set need not lead anywhere."""
    return "" if path == (default,) else None


def _is_text(found: Any) -> TypeGuard[str]:
    return type(found) is str


def _has_half_a_character(text: str) -> bool:
    """Tell whether JSON spells a surrogate that is no pair's: no UTF-8 can hold it."""
    return "\\u" in text and any(match[1] for match in _ESCAPES.finditer(text))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_decode = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=Object
).decode
