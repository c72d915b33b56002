"""The law: where a record belongs, decided anew by code that shares nothing with the detector.

Only the functions of the rules of code are shared, the shape of the transaction that they take, the settings that
say where its fields are, and the formats of the topics of rules, lists and provenance. The rules are asked a second
time here, so they must give the same answer to the same transaction.
"""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from enum import Enum
from functools import reduce
from typing import NamedTuple, cast

from audit.lists import NO_LISTS, ListsAt
from audit.reading import is_deep, read
from audit.rules import NO_RULES, THRESHOLD_RULE, Hit, Version, hits
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from payments.transaction import Transaction

_FRAUD_POINTS = Decimal(100)
_CONTEXT = Context(prec=50)


class Destination(Enum):
    """Where a record of the input belongs."""

    FRAUD = "fraud"
    LEGIT = "legit"
    DEAD_LETTER = "dead letter"
    ANYWHERE = "anywhere"


class CodeRule(NamedTuple):
    """A rule of code by its name in FRAUD_RULES, and a hash of the file that it is in; "" where there is none."""

    name: str
    ask: Callable[[Transaction], object]
    digest: str = ""


class Law(NamedTuple):
    """What decides on a record: what its detector judged with.

    `has_other_editions`: that was another version of tzdata or of this program, and may have come to something else.
    """

    threshold: Decimal
    code_rules: Sequence[CodeRule] = ()
    mapping: FieldMapping = DEFAULT_MAPPING
    rules: Version = NO_RULES
    lists: ListsAt = NO_LISTS
    has_other_editions: bool = False


class Verdict(NamedTuple):
    """Where a record belongs, and what the headers say of it: the rules that hit, and those that do not count.

    `score` is what the hits count together, `failed` the first rule of code that raised. A record that belongs anywhere
    is nested deeper than every parser reads: nothing is known of it.
    """

    belongs: Destination
    reasons: Sequence[str] = ()
    score: Decimal = Decimal(0)
    shadow: Sequence[str] = ()
    failed: str | None = None


def judge(record: Record, law: Law) -> Verdict:
    """Return what follows for a record of the input that could be read whole."""
    if is_deep(record.value or b""):
        return Verdict(Destination.ANYWHERE)
    transaction = read(record, law.mapping)
    return Verdict(Destination.DEAD_LETTER) if transaction is None else _verdict(transaction, record.timestamp, law)


def asked(rule: CodeRule, transaction: Transaction) -> bool | None:
    """Return whether a rule saw something, None where it failed: whatever it raised, or returned but text and None."""
    try:
        saw = rule.ask(transaction)
    except BaseException:  # noqa: BLE001 - whatever a rule of code raises makes a dead letter
        return None
    if issubclass(type(saw), str):
        return str.__len__(cast("str", saw)) > 0
    return bool(saw) if saw is None or saw is True or saw is False else None


def _verdict(transaction: Transaction, record_ms: int, law: Law) -> Verdict:
    answers = [(rule.name, asked(rule, transaction)) for rule in law.code_rules]
    counting = [
        *(
            [Hit(THRESHOLD_RULE, _FRAUD_POINTS)]
            if law.rules.has_threshold and transaction.amount > law.threshold
            else ()
        ),
        *hits(law.rules.live, transaction, record_ms, law.lists),
        *(Hit(name, _FRAUD_POINTS) for name, saw in answers if saw),
    ]
    score = _together([hit.points for hit in counting])
    failed = next((name for name, saw in answers if saw is None), None)
    otherwise = Destination.LEGIT if failed is None else Destination.DEAD_LETTER
    shadow = hits(law.rules.shadow, transaction, record_ms, law.lists)
    return Verdict(
        Destination.FRAUD if score >= _FRAUD_POINTS else otherwise,
        [hit.label for hit in counting],
        score,
        [hit.label for hit in shadow],
        failed,
    )


def _together(points: Sequence[Decimal]) -> Decimal:
    """Return the sum, rounded half even to 50 digits; of one alone all digits count."""
    return points[0] if len(points) == 1 else reduce(_CONTEXT.add, points, Decimal(0))
