"""Reads the fields of a transaction one by one, so that it can say what is wrong with which."""

import re
from collections.abc import Callable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Clamped, Context, Decimal, DecimalException, InvalidOperation, Rounded
from functools import partial
from typing import TypeVar

from payments.document import Document, digits_of, find, text_of, value_of
from payments.mapping import FieldMapping, Path, WrittenTime, shown
from payments.timestamps import is_time
from payments.transaction import InvalidTransaction

T = TypeVar("T")
_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[InvalidOperation, Rounded, Clamped])
_LONGEST_SHOWN = 40
_CONTAINERS = {b"{": "an object", b"[": "an array"}


def read_field(document: Document, mapping: FieldMapping, name: str) -> WrittenTime:
    """Return one of a transaction's fields, "" where it is mapped nowhere. Raises InvalidTransaction."""
    path: Path | None = getattr(mapping, name)
    if path is None:
        return ""
    if name == "amount":
        return _amount(document, path, mapping.amount_scale)
    if name == "timestamp":
        time = partial(_time, mapping.timestamp_unit)
        return _may_be_missing(document, path, time, "a time", is_required=mapping.is_required(name))
    if name == "currency":
        return _may_be_missing(document, path, text_of, "text", is_required=mapping.is_required(name))
    return _identity(document, path)


def has_numbers(document: Document, mapping: FieldMapping) -> bool:
    """Tell whether the id, the source or the target is written as a number."""
    paths = (path for path in (mapping.id, mapping.source, mapping.target) if path is not None)
    return any(text_of(find(document, path) or b"") is None for path in paths)


def exact_amount(written: object, scale: int) -> Decimal | None:
    """Return the amount that a number or a string of digits stands for, exactly; None where it is neither.

    `scale` is how many decimals have been left out of it. None, too, where the result cannot be held.
    """
    try:
        if type(written) is str and _DIGITS.fullmatch(written):
            written = Decimal(written)
        if type(written) is int or (scale and type(written) is Decimal):
            return EXACT.scaleb(written, -scale)
        return written if type(written) is Decimal else None
    except DecimalException:
        return None


def _identity(document: Document, path: Path) -> str:
    written = _required(document, path)
    text = text_of(written)
    text = digits_of(written) if text is None else text
    if text is None:
        raise InvalidTransaction(f"`{shown(path)}` is neither text nor a whole number: {_shown(written)}")
    return text


def _amount(document: Document, path: Path, scale: int) -> Decimal:
    written = _required(document, path)
    text = text_of(written)
    digits = digits_of(written) or written.decode() if text is None else text
    amount = exact_amount(digits, scale)
    if amount is None:
        raise InvalidTransaction(f"`{shown(path)}` is not a number: {_shown(written)}")
    if amount < 0:
        raise InvalidTransaction(f"`{shown(path)}` is below 0: {_shown(written)}")
    return amount


def _may_be_missing(
    document: Document, path: Path, convert: Callable[[bytes], T | None], what: str, *, is_required: bool
) -> T | str:
    """Return a field by `convert`, which returns None where it is not `what`; "" where it is missing, and may be."""
    written = _required(document, path) if is_required else find(document, path)
    value = None if written is None else convert(written)
    if value is None and is_required:
        raise InvalidTransaction(f"`{shown(path)}` is not {what}: {_shown(written)}")
    return "" if value is None else value


def _time(unit: str, written: bytes) -> WrittenTime | None:
    time = value_of(written)
    return time if is_time(time, unit) else None


def _required(document: Document, path: Path) -> bytes:
    """Return what is written in a field. Raises InvalidTransaction, which names what is missing or in the way."""
    for length in range(1, len(path)):
        within = find(document, path[:length])
        if within is not None and not within.startswith(b"{"):
            raise InvalidTransaction(f"`{shown(path)}` is missing: `{shown(path[:length])}` is {_shown(within)}")
    written = find(document, path)
    if written is None:
        raise InvalidTransaction(f"`{shown(path)}` is missing")
    return written


def _shown(written: bytes | None) -> str:
    """Return the beginning of what is written in a field; what holds other values only by its kind."""
    text = b"" if written is None else written
    return _CONTAINERS.get(text[:1]) or text[:_LONGEST_SHOWN].decode(errors="ignore")
