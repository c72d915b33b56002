"""Where a record belongs, decided anew: nothing here is shared with the code that is audited.

Of a user's own rules only the functions are shared, and of a transaction only its shape, which those functions take.
They are asked a second time here, so they have to give the same answer to the same transaction.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeGuard

from messaging.client import Record
from messaging.transaction import Transaction

FRAUD, LEGIT, DEAD_LETTER = 1, 2, 4
SHORTENED = 8
_MOST_ADDED_BYTES = 4096
_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)


class Law(NamedTuple):
    """What decides on a record; `largest` is the size in bytes of the largest record that all output topics take."""

    threshold: Decimal
    rules: Sequence[Callable[[Transaction], object]]
    largest: int


class _Number(str):
    """A JSON number as it is written."""

    __slots__ = ()


def judge(record: Record, law: Law) -> tuple[int, str | bytes | None]:
    """Return where a record of the input may be found, and its identity.

    The first is the sum of FRAUD, LEGIT and DEAD_LETTER, and of SHORTENED. There is one place for each record, but for
    one about as large as the topics take: whether its headers fit is not worked out here. SHORTENED: a dead letter of
    it may lack value, key and headers, and have another timestamp.
    """
    transaction = read(record.value)
    itself = record.value if transaction is None else transaction.id
    if record.problem is not None:
        return DEAD_LETTER + SHORTENED, itself
    belongs = _belongs(transaction, law)
    if _size(record) + _MOST_ADDED_BYTES > law.largest:
        belongs |= DEAD_LETTER | SHORTENED
    return belongs, itself


def identity(record: Record) -> str | bytes | None:
    """Return what tells a record from others even where something about it was changed: its id, else its value."""
    transaction = read(record.value)
    return record.value if transaction is None else transaction.id


def read(value: bytes | None) -> Transaction | None:
    """Return the transaction that the value is, or None, as the README's section on the wire has it."""
    try:
        fields = _decode((value or b"").decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    itself, source, target = fields.get("id"), fields.get("source"), fields.get("target")
    amount = _amount(fields.get("amount"))
    if amount is None or not (_is_text(itself) and _is_text(source) and _is_text(target)):
        return None
    return Transaction(itself, source, target, amount, *map(_text, (fields.get("currency"), fields.get("timestamp"))))


def _belongs(transaction: Transaction | None, law: Law) -> int:
    if transaction is None:
        return DEAD_LETTER
    is_fraud = transaction.amount > law.threshold
    for rule in law.rules:
        try:
            saw = rule(transaction)
        except Exception:  # noqa: BLE001 - whatever a user's rule raises makes a dead letter
            return DEAD_LETTER
        is_fraud = is_fraud or bool(saw)
    return FRAUD if is_fraud else LEGIT


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
    """Tell whether it is a string, one that can be written as UTF-8: JSON can also spell half a character."""
    return type(found) is str and (found.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in found))


def _size(record: Record) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name.encode(errors="replace")) + len(value or b"") for name, value in record.headers)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_decode = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_refuse).decode
