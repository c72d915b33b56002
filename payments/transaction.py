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


class _AsWritten(Transaction, frozen=True, gc=False):
    """A transaction as the JSON says it: msgspec alone would also take the amounts "1_000" and "NaN"."""

    amount: Any
    currency: Any = ""
    timestamp: Any = ""


_AsWritten.__name__ = Transaction.__name__  # what a rule is given, and so what Python calls it where the rule is wrong


class _Apart(msgspec.Struct, frozen=True, gc=False):
    """The same with some of it not read yet: msgspec holds no number of more than 4,300 digits."""

    id: str
    source: str
    target: str
    amount: msgspec.Raw
    currency: msgspec.Raw = msgspec.Raw()
    timestamp: msgspec.Raw = msgspec.Raw()


_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_ZERO = Decimal(0)
_decode = msgspec.json.Decoder(_AsWritten, float_hook=Decimal).decode
_decode_apart = msgspec.json.Decoder(_Apart).decode
_decode_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def read_transaction(value: bytes | None) -> Transaction:
    """Read a record's value. Raises InvalidTransaction where it is not a transaction."""
    if value is None:
        raise InvalidTransaction("no value")
    written = _read(value)
    amount, currency, timestamp = written.amount, written.currency, written.timestamp
    if type(amount) is Decimal and type(currency) is str and type(timestamp) is str and amount >= _ZERO:
        return written
    return Transaction(
        written.id,
        written.source,
        written.target,
        _exact(amount),
        currency if type(currency) is str else "",
        timestamp if type(timestamp) is str else "",
    )


def write_transaction(transaction: Transaction) -> bytes:
    """Write a record's value; the amount is a JSON number with the digits that it has."""
    return _encode(transaction)


def _read(value: bytes) -> _AsWritten:
    try:
        if not value.isascii():
            value.decode()  # msgspec does not look into the text of fields that it skips
        return _decoded(value)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: {error.reason} at byte {error.start}"
    except msgspec.ValidationError as error:
        problem = str(error)
    except msgspec.DecodeError as error:
        problem = f"not JSON: {error}"
    except RecursionError:
        problem = "nested too deeply"
    raise InvalidTransaction(problem)


def _decoded(value: bytes) -> _AsWritten:
    try:
        return _decode(value)
    except (msgspec.ValidationError, InvalidOperation):
        apart = _decode_apart(value)
    amount = _text(apart.amount, otherwise=bytes(apart.amount).decode())
    return _AsWritten(
        apart.id,
        apart.source,
        apart.target,
        amount,
        _text(apart.currency, otherwise=""),
        _text(apart.timestamp, otherwise=""),
    )


def _text(raw: msgspec.Raw, otherwise: str) -> str:
    return _decode_text(raw) if bytes(raw).startswith(b'"') else otherwise


def _exact(amount: Any) -> Decimal:
    """Return an amount that was written as a number or as a string of digits. Raises InvalidTransaction."""
    if type(amount) is str and _DIGITS.fullmatch(amount):
        amount = _decimal(amount)
    elif type(amount) is int:
        amount = Decimal(amount)
    if type(amount) is not Decimal:
        raise InvalidTransaction(f"amount is not a number: {_shown(amount)}")
    if amount < _ZERO:
        raise InvalidTransaction(f"amount is below 0: {str(amount)[:40]}")
    return amount


def _shown(amount: Any) -> str:
    """Return the beginning of what stands for an amount; what holds other values may take long to write down."""
    return type(amount).__name__ if type(amount) in (list, dict) else str(amount)[:40]


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise InvalidTransaction(f"amount is not a number: {digits[:40]}") from None
