"""A transaction of money: what it holds, and how it is read from and written to bytes (UTF-8 JSON)."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec


class InvalidTransaction(Exception):
    """The bytes are not a transaction; the message says why."""


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """One payment from the account `source` to the account `target`.

    `amount` is exact, finite and not negative, in units of `currency`; `timestamp` is RFC 3339 in UTC. Only id, source,
    target and amount are required of what is read: currency and timestamp are "" where they are missing or not text.
    """

    id: str
    source: str
    target: str
    amount: Decimal
    currency: str = ""
    timestamp: str = ""


class _Fields(msgspec.Struct, gc=False):
    """The JSON object as it is written, the amount unread: msgspec alone would also take "1_000" and "NaN"."""

    id: str
    source: str
    target: str
    amount: msgspec.Raw
    currency: Any = ""
    timestamp: Any = ""


_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_decode_fields = msgspec.json.Decoder(_Fields).decode
_decode_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def read_transaction(value: bytes | None) -> Transaction:
    """Read a record's value. Raises InvalidTransaction where it is not a transaction."""
    if value is None:
        message = "no value"
        raise InvalidTransaction(message)
    fields = _read_fields(value)
    return Transaction(
        fields.id,
        fields.source,
        fields.target,
        _read_amount(fields.amount),
        fields.currency if type(fields.currency) is str else "",
        fields.timestamp if type(fields.timestamp) is str else "",
    )


def write_transaction(transaction: Transaction) -> bytes:
    """Write a record's value; the amount is a JSON number with the digits that it has."""
    return _encode(transaction)


def _read_fields(value: bytes) -> _Fields:
    try:
        if not value.isascii():
            value.decode()  # msgspec does not look into the text of fields that it skips
        return _decode_fields(value)
    except UnicodeDecodeError as error:
        message = f"not UTF-8: {error.reason} at byte {error.start}"
    except msgspec.ValidationError as error:
        message = str(error)
    except msgspec.DecodeError as error:
        message = f"not JSON: {error}"
    except RecursionError:
        message = "nested too deep"
    raise InvalidTransaction(message)


def _read_amount(raw: msgspec.Raw) -> Decimal:
    text = str(raw, "utf-8")
    if text.startswith('"'):
        text = _read_digits(text)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        message = f"amount is not a number: {text[:40]}"
        raise InvalidTransaction(message) from None
    if amount < 0:
        message = f"amount is below 0: {text[:40]}"
        raise InvalidTransaction(message)
    return amount


def _read_digits(quoted: str) -> str:
    """Return the text of a JSON string of digits, which may have a sign, a fraction and an exponent."""
    text = _decode_text(quoted)
    if _DIGITS.fullmatch(text) is None:
        message = f"amount is not a number: {quoted[:40]}"
        raise InvalidTransaction(message)
    return text
