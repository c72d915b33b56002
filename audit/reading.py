"""What a value of the input says, read by code that shares nothing with the detector but the settings of the fields."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, TypeGuard

from messaging.batch import Record
from payments.mapping import FieldMapping, FieldValue, Path, WrittenTime
from payments.transaction import Transaction

_MOST_LEVELS = 200  # a parser, or what copies an object for a rule, may give up somewhere behind that
DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"-?[0-9]+", re.ASCII)
_MOST_DIGITS = 4300  # of a whole number that a rule is given
_FRAME = re.compile(rb"\0.{4}", re.DOTALL)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UNIT_BY_DIGITS = ("s", 11), ("ms", 14), ("us", 17), ("ns", 100)
_YEAR_10000 = 253_402_300_800
_ROUNDS_DOWN = Context(prec=60, rounding=ROUND_DOWN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS = dict(zip(b"[{]}", (1, 1, -1, -1), strict=True))
_OTHERS = bytes(set(range(256)) - _STEPS.keys())
_ESCAPES = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)


class AuditedTransaction(Transaction, frozen=True, gc=False):
    """What a rule is asked about: read by the audit, but of the detector's shape."""

    json: Any = None
    unit: str = "auto"

    @property
    def timestamp(self) -> str:
        """The time, see Transaction."""
        return _rfc3339(self.written_time, self.unit)

    def field(self, name: str, *within: str) -> FieldValue:
        """Return what the record holds there, see Transaction."""
        path = (name, *within)
        hash(path)  # raises for what is no name, as the detector does
        return _plain(_find(self.json, path))


AuditedTransaction.__name__ = Transaction.__name__  # as the detector's, where a rule is wrong


class _Number(str):
    """A JSON number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """A JSON object as it is written: a name may be there several times."""

    __slots__ = ()


def read(record: Record, mapping: FieldMapping) -> AuditedTransaction | None:
    """Return the transaction that a record's value is, or None, as the README's section on the wire has it."""
    try:
        text = without_frame(record.value or b"").decode()
        pairs = _decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, _Object) or _has_half_a_character(text):
        return None
    place = f"{record.topic}-{record.partition}-{record.offset}"
    itself = place if mapping.id is None else _identity(_find(pairs, mapping.id))
    source, target = _identity(_find(pairs, mapping.source)), _identity(_find(pairs, mapping.target))
    amount = _amount(_find(pairs, mapping.amount), mapping.amount_scale)
    currency = "" if mapping.currency is None else _currency(_find(pairs, mapping.currency), mapping.currency)
    time = "" if mapping.timestamp is None else _time(_find(pairs, mapping.timestamp), mapping)
    if itself is None or source is None or target is None or amount is None or currency is None or time is None:
        return None
    return AuditedTransaction(itself, source, target, amount, currency, time, pairs, mapping.timestamp_unit)


def identity(record: Record, mapping: FieldMapping) -> str | bytes | None:
    """Return what tells a record from others even where something about it was changed: its id, else its value."""
    transaction = None if mapping.id is None else read(record, mapping)
    return record.value if transaction is None else transaction.id


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


def _find(found: Any, path: Path) -> Any:
    """Return what is in a field, None where there is none; of several with one name the last counts."""
    for step in path:
        found = dict(found).get(step) if isinstance(found, _Object) else None
    return found


def _identity(found: Any) -> str | None:
    if _is_text(found):
        return found
    if not (isinstance(found, _Number) and _WHOLE_NUMBER.fullmatch(found)):
        return None
    return _without_sign_of_zero(found)


def _without_sign_of_zero(written: str) -> str:
    """Return the whole number 0 for -0, which are one to whoever reads whole numbers; texts stay as they are."""
    return "0" if isinstance(written, _Number) and written == "-0" else str(written)


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
    number = _plain(found) if isinstance(found, _Number) else None
    largest = _YEAR_10000 * _PER_SECOND["ns" if mapping.timestamp_unit == "auto" else mapping.timestamp_unit]
    if isinstance(number, int | Decimal) and 0 <= number < largest:
        return number
    return _missing(mapping.timestamp or (), "timestamp")


def _missing(path: Path, default: str) -> str | None:
    """Return what stands for a field that is missing: only a path that was not set need not lead anywhere."""
    return "" if path == (default,) else None


def _rfc3339(written: WrittenTime, unit: str) -> str:
    if isinstance(written, str):
        is_number = unit != "auto" and re.fullmatch("[0-9]{1,21}", written)
        if not is_number or int(written) >= _YEAR_10000 * _PER_SECOND[unit]:
            return written
        number = Decimal(written)
    else:
        number = Decimal(written)
    if unit == "auto":
        unit = next(name for name, digits in _UNIT_BY_DIGITS if number < 10**digits)
    milliseconds = int(_ROUNDS_DOWN.divide(_ROUNDS_DOWN.multiply(number, 1000), _PER_SECOND[unit]))
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[:-6] + "Z"


def _plain(found: Any) -> FieldValue:
    """Return what a rule is given for what is in a field."""
    if isinstance(found, _Object):
        return {name: _plain(inner) for name, inner in found}
    if isinstance(found, list):
        return [_plain(inner) for inner in found]
    if not isinstance(found, _Number):
        return found  # type: ignore[no-any-return]
    if _WHOLE_NUMBER.fullmatch(found):
        return int(found) if len(found.lstrip("-")) <= _MOST_DIGITS else None
    try:
        return Decimal(found)
    except InvalidOperation:
        return None


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
