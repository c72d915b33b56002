"""The law: where a record belongs, decided anew by code that shares nothing with the detector.

Only the functions of the user's own rules are shared, and the shape of the transaction that they take. They are called
a second time here, so they must give the same answer to the same transaction.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from enum import IntFlag
from itertools import accumulate
from typing import Any, NamedTuple, TypeGuard

from messaging.batch import Record
from payments.transaction import Transaction

_MOST_ADDED_BYTES = 4096
_MOST_LEVELS = 500  # a parser may give up somewhere behind that, Python's own too
_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_TEXTS = ("id", "source", "target")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS = dict(zip(b"[{]}", (1, 1, -1, -1), strict=True))
_OTHERS = bytes(set(range(256)) - _STEPS.keys())
_ESCAPES = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)


class Allowed(IntFlag):
    """Where a record of the input may be found.

    SHORTENED: a dead letter of it may lack value, key and headers, and have another timestamp.
    """

    FRAUD = 1
    LEGIT = 2
    DEAD_LETTER = 4
    SHORTENED = 8
    ANYWHERE = FRAUD | LEGIT | DEAD_LETTER


# Joined once: IntFlag's operators are Python code, and one of them takes a tenth of what judging a record takes.
_SHORTENED_DEAD_LETTER = Allowed.DEAD_LETTER | Allowed.SHORTENED
_OR_A_DEAD_LETTER = {
    allowed: allowed | _SHORTENED_DEAD_LETTER
    for allowed in (Allowed.FRAUD, Allowed.LEGIT, Allowed.DEAD_LETTER, Allowed.ANYWHERE)
}


class Rule(NamedTuple):
    """A rule of the user's by its name in FRAUD_RULES."""

    name: str
    ask: Callable[[Transaction], object]


class Law(NamedTuple):
    """What decides on a record; `largest` is the size in bytes of the largest record that all output topics take.

    `refuses_times` where an output may refuse a timestamp that the input has taken. When that was is not known here, so
    then any record may be a dead letter.
    """

    threshold: Decimal
    rules: Sequence[Rule]
    largest: int
    refuses_times: bool


class _Number(str):
    """A JSON number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """A JSON object as it is written: a name may be there several times."""

    __slots__ = ()


def judge(record: Record, law: Law) -> tuple[Allowed, str | bytes | None]:
    """Return where a record of the input may be found, and its identity.

    There is one place for each record, but for one about as large as the topics take: whether its headers fit is not
    worked out here; and for one that is nested deeper than every parser reads.
    """
    transaction = read(record.value)
    itself = record.value if transaction is None else transaction.id
    if record.problem is not None:
        return _SHORTENED_DEAD_LETTER, itself
    belongs = Allowed.ANYWHERE if _is_deep(record.value or b"") else _belongs(transaction, law)
    if law.refuses_times or _size(record) + _MOST_ADDED_BYTES > law.largest:
        belongs = _OR_A_DEAD_LETTER[belongs]
    return belongs, itself


def identity(record: Record) -> str | bytes | None:
    """Return what tells a record from others even where something about it was changed: its id, else its value."""
    transaction = read(record.value)
    return record.value if transaction is None else transaction.id


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


def count_reasons(transaction: Transaction | None, law: Law) -> int | None:
    """Return how many reasons there are to call it fraud, None for what gets no verdict."""
    if transaction is None:
        return None
    saw = [_asked(rule, transaction) for rule in law.rules]
    return None if None in saw else (transaction.amount > law.threshold) + saw.count(True)


def why(record: Record, law: Law) -> str:
    """Return the names of the rules that make a record of the input fraud, or why it gets no verdict."""
    transaction = read(record.value)
    if record.problem is not None:
        return record.problem
    if transaction is None:
        return "not a transaction"
    names = ["amount_over_threshold"] if transaction.amount > law.threshold else []
    for rule in law.rules:
        saw = _asked(rule, transaction)
        if saw is None:
            return f"rule {rule.name} failed"
        names += [rule.name] if saw else []
    return ", ".join(names)


def _asked(rule: Rule, transaction: Transaction) -> bool | None:
    """Return whether a rule saw something, None where it failed: whatever it raised, or returned but text and None."""
    try:
        saw = rule.ask(transaction)
    except BaseException:  # noqa: BLE001 - whatever a user's rule raises makes a dead letter
        return None
    if isinstance(saw, str):
        return str.__len__(saw) > 0
    return bool(saw) if saw is None or isinstance(saw, bool) else None


def _belongs(transaction: Transaction | None, law: Law) -> Allowed:
    reasons = count_reasons(transaction, law)
    if reasons is None:
        return Allowed.DEAD_LETTER
    return Allowed.FRAUD if reasons else Allowed.LEGIT


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


def _is_deep(value: bytes) -> bool:
    """Tell whether it is an object that is nested deeper than every parser reads."""
    if not value.lstrip().startswith(b"{") or value.count(b"[") + value.count(b"{") <= _MOST_LEVELS:
        return False
    brackets = _STRINGS.sub(b"", value).translate(None, _OTHERS)
    if brackets.count(b"[") + brackets.count(b"{") != brackets.count(b"]") + brackets.count(b"}"):
        return False
    return max(accumulate(map(_STEPS.__getitem__, brackets))) > _MOST_LEVELS


def _size(record: Record) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name.encode(errors="replace")) + len(value or b"") for name, value in record.headers)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_decode = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_refuse, object_pairs_hook=_Object
).decode
