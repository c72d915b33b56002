"""The law: where a record belongs, decided anew by code that shares nothing with the detector.

Only the functions of the rules of code are shared, the shape of the transaction that they take, the settings that
say where its fields are, and the format of the topic of rules. The rules are asked a second time here, so they must
give the same answer to the same transaction.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import IntFlag
from typing import NamedTuple, cast

from audit.reading import is_deep, read
from audit.rules import InQuestion, threshold_alone
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
SHORTENED_DEAD_LETTER = Allowed.DEAD_LETTER | Allowed.SHORTENED
_OR_FRAUD = {otherwise: otherwise | Allowed.FRAUD for otherwise in (Allowed.LEGIT, Allowed.DEAD_LETTER)}
_OR_A_DEAD_LETTER = {
    allowed: allowed | SHORTENED_DEAD_LETTER for allowed in map(Allowed, range(Allowed.FRAUD, Allowed.SHORTENED))
}


class CodeRule(NamedTuple):
    """A rule of code by its name in FRAUD_RULES."""

    name: str
    ask: Callable[[Transaction], object]


class Law(NamedTuple):
    """What decides on a record; `largest` is the size in bytes of the largest record that all output topics take.

    `refuses_times` where an output may refuse a timestamp that the input has taken. When that was is not known here, so
    then any record may be a dead letter. `refuses_keyless` where an output refuses a record without a key (compaction).
    `in_question` returns the versions of the rules by which a record with a timestamp may have been judged.
    `code_rules` are those of FRAUD_RULES.
    """

    threshold: Decimal
    code_rules: Sequence[CodeRule]
    largest: int
    refuses_times: bool
    refuses_keyless: bool = False
    mapping: FieldMapping = DEFAULT_MAPPING
    in_question: Callable[[int], InQuestion] = threshold_alone


def judge(record: Record, law: Law, *, by_oldest: bool = False) -> tuple[Allowed, str | bytes | None]:
    """Return where a record of the input may be found, and its identity.

    By the oldest version of the rules in question that is quickly said, and most often right. All of them together
    allow that and more.

    There is one place for each record, unless the versions of the rules that are in question differ in that; but for
    one about as large as the topics take: whether its headers fit is not worked out here; and for one that is nested
    deeper than every parser reads.
    """
    transaction = read(record, law.mapping)
    itself = record.value if transaction is None or law.mapping.id is None else transaction.id
    if record.problem is not None:
        return SHORTENED_DEAD_LETTER, itself
    in_question = law.in_question(record.timestamp)
    rules = in_question.oldest if by_oldest else in_question
    belongs = Allowed.ANYWHERE if is_deep(record.value or b"") else _belongs(transaction, record.timestamp, law, rules)
    may_be_refused = law.refuses_times or (law.refuses_keyless and record.key is None)
    if may_be_refused or _size(record) + _MOST_ADDED_BYTES > law.largest:
        belongs = _OR_A_DEAD_LETTER[belongs]
    return belongs, itself


def asked(rule: CodeRule, transaction: Transaction) -> bool | None:
    """Return whether a rule saw something, None where it failed: whatever it raised, or returned but text and None."""
    try:
        saw = rule.ask(transaction)
    except BaseException:  # noqa: BLE001 - whatever a rule of code raises makes a dead letter
        return None
    if issubclass(type(saw), str):
        return str.__len__(cast("str", saw)) > 0
    return bool(saw) if saw is None or saw is True or saw is False else None


def _belongs(transaction: Transaction | None, record_ms: int, law: Law, in_question: InQuestion) -> Allowed:
    if transaction is None:
        return Allowed.DEAD_LETTER
    answers = [asked(rule, transaction) for rule in law.code_rules]
    is_over = transaction.amount > law.threshold
    is_fraud = True in answers or in_question.is_fraud(transaction, record_ms, is_over=is_over)
    if is_fraud:
        return Allowed.FRAUD
    otherwise = Allowed.DEAD_LETTER if None in answers else Allowed.LEGIT
    return _OR_FRAUD[otherwise] if is_fraud is None else otherwise


def _size(record: Record) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name.encode(errors="replace")) + len(value or b"") for name, value in record.headers)
