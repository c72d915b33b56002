"""The law: where a record belongs, decided anew by code that shares nothing with the detector.

Only the functions of the user's own rules are shared, the shape of the transaction that they take, and the settings
that say where its fields are. The rules are called a second time here, so they must give the same answer to the same
transaction.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import IntFlag
from typing import NamedTuple, cast

from audit.reading import is_deep, read
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from payments.transaction import Transaction

_MOST_ADDED_BYTES = 4096


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
    then any record may be a dead letter. `refuses_keyless` where an output refuses a record without a key (compaction).
    """

    threshold: Decimal
    rules: Sequence[Rule]
    largest: int
    refuses_times: bool
    refuses_keyless: bool = False
    mapping: FieldMapping = DEFAULT_MAPPING


def judge(record: Record, law: Law) -> tuple[Allowed, str | bytes | None]:
    """Return where a record of the input may be found, and its identity.

    There is one place for each record, but for one about as large as the topics take: whether its headers fit is not
    worked out here; and for one that is nested deeper than every parser reads.
    """
    transaction = read(record, law.mapping)
    itself = record.value if transaction is None or law.mapping.id is None else transaction.id
    if record.problem is not None:
        return _SHORTENED_DEAD_LETTER, itself
    belongs = Allowed.ANYWHERE if is_deep(record.value or b"") else _belongs(transaction, law)
    may_be_refused = law.refuses_times or (law.refuses_keyless and record.key is None)
    if may_be_refused or _size(record) + _MOST_ADDED_BYTES > law.largest:
        belongs = _OR_A_DEAD_LETTER[belongs]
    return belongs, itself


def count_reasons(transaction: Transaction | None, law: Law) -> int | None:
    """Return how many reasons there are to call it fraud, None for what gets no verdict."""
    if transaction is None:
        return None
    saw = [_asked(rule, transaction) for rule in law.rules]
    return None if None in saw else (transaction.amount > law.threshold) + saw.count(True)


def why(record: Record, law: Law) -> str:
    """Return the names of the rules that make a record of the input fraud, or why it gets no verdict."""
    transaction = read(record, law.mapping)
    if record.problem is not None:
        return record.problem
    if transaction is None:
        return "not a transaction (detector --explain says why)"
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
    if issubclass(type(saw), str):
        return str.__len__(cast("str", saw)) > 0
    return bool(saw) if saw is None or saw is True or saw is False else None


def _belongs(transaction: Transaction | None, law: Law) -> Allowed:
    reasons = count_reasons(transaction, law)
    if reasons is None:
        return Allowed.DEAD_LETTER
    return Allowed.FRAUD if reasons else Allowed.LEGIT


def _size(record: Record) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name.encode(errors="replace")) + len(value or b"") for name, value in record.headers)
