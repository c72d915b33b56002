"""How a record is read and judged, and why: what each rule says of it, and what follows. Pure."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from msgspec import Struct

from decision.asked_rule import lists_named
from decision.code_rules import CodeRule, RuleFailed, hits_of
from decision.lists import ListBook
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.verdict import Verdict, in_words
from messaging.batch import Record
from payments.document import read_document, unframed, written_fields
from payments.fields import read_field
from payments.mapping import FIELDS, FieldMapping, shown
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction, Transaction
from rules.replay import Replay
from rules.text import one_line

LONGEST_VALUE = 80
LONGEST_LINE = 512
MOST_FIELDS = 100
FRAUD, LEGIT, DEAD_LETTER, UNKNOWN = "fraud", "legit", "dead letter", "unknown"


class FieldRead(Struct, frozen=True):
    """A field of the transaction as it was read, and the setting that says from where."""

    name: str
    value: str
    setting: str


class RuleSaid(Struct, frozen=True):
    """What a rule says, of a kind: live, shadow, candidate, code, or tried. `points` is what a hit counts.

    `outcome` is hit, no hit, undecided, not for this account, failed (code alone), or not asked.
    """

    rule: str
    kind: str
    outcome: str
    saw: str = ""
    points: str | None = None


class Explanation(Struct, frozen=True):
    """How a record is read, what each rule says of it, and the verdict: fraud, legit, dead letter, or unknown.

    `reasons` are those of fraud, or of a dead letter, and then `has` are the fields that the record has.
    """

    verdict: str
    fields: Sequence[FieldRead] = ()
    rules: Sequence[RuleSaid] = ()
    tried: Sequence[RuleSaid] = ()
    score: str | None = None
    reasons: Sequence[str] = ()
    failed: str | None = None
    has: Sequence[str] = ()


def explain(record: Record, replay: Replay, tried: Sequence[str] = ()) -> Explanation:
    """Return how a record is read and judged with this, and what rules that are tried say of it: their expressions.

    Whether the topics take the record, by its size and its time, is not looked at.
    """
    mapping = replay.settings.mapping
    if record.problem is not None:
        return Explanation(DEAD_LETTER, reasons=[record.problem])
    if not replay.has_settings:
        return Explanation(UNKNOWN, has=list(_fields_of(record)))
    try:
        transaction = TransactionReader(mapping, keeps_json=True).read(record.value, record)
    except InvalidTransaction as error:
        return Explanation(
            DEAD_LETTER, reasons=list(_problems(record, mapping)) or [str(error)], has=list(_fields_of(record))
        )
    read = list(_fields_read(transaction, mapping))
    asked = list(_tried(tried, transaction, record.timestamp, replay))
    if not replay.has_rules:
        return Explanation(UNKNOWN, read, tried=asked)
    return _judged(record, replay, Explanation(UNKNOWN, read, tried=asked))


def _judged(record: Record, replay: Replay, so_far: Explanation) -> Explanation:
    decision = replay.decision(keeps_json=True)
    verdict = decision.judge(record)
    said = [
        *_said(decision.rules, verdict.transaction, record.timestamp, replay.lists),
        *(_said_by_code(rule, verdict.transaction) for rule in decision.code_rules),
        *(RuleSaid(missing.rule, missing.kind, "not asked") for missing in replay.missing),
    ]
    word = _word(verdict, is_whole=replay.is_whole)
    return Explanation(
        word,
        so_far.fields,
        said,
        so_far.tried,
        f"{verdict.score:f}",
        [hit.reason for hit in verdict.hits] if word == FRAUD else [],
        verdict.failed,
    )


def _word(verdict: Verdict, *, is_whole: bool) -> str:
    """Return the verdict; what rules say that cannot be asked only makes more of it fraud."""
    if verdict.is_fraud:
        return FRAUD
    if not is_whole:
        return UNKNOWN
    return LEGIT if verdict.failed is None else DEAD_LETTER


def _said(rules: RuleSet, transaction: Transaction, record_ms: int, lists: ListBook) -> Iterator[RuleSaid]:
    for said, asked in zip(rules.said(transaction, record_ms, lists), rules.asked, strict=True):
        points = f"{asked.hit(transaction, record_ms, lists).points:f}" if said.outcome == "hit" else None
        yield RuleSaid(said.label, asked.kind, said.outcome, said.saw, points)


def _tried(tried: Sequence[str], transaction: Transaction, record_ms: int, replay: Replay) -> Iterator[RuleSaid]:
    for when in tried:
        if lists_named([Rule(when)]) and not replay.has_lists:
            yield RuleSaid(when, "tried", "not asked")
        else:
            (said,) = RuleSet({when: Held(Rule(when))}).said(transaction, record_ms, replay.lists)
            yield RuleSaid(when, "tried", said.outcome, said.saw)


def _said_by_code(rule: CodeRule, transaction: Transaction) -> RuleSaid:
    try:
        hits = hits_of(rule, transaction)
    except RuleFailed as failed:
        return RuleSaid(rule.name, "code", "failed", str(failed))
    if not hits:
        return RuleSaid(rule.name, "code", "no hit")
    return RuleSaid(rule.name, "code", "hit", in_words(hits[0].saw), f"{hits[0].points:f}")


def _fields_read(transaction: Transaction, mapping: FieldMapping) -> Iterator[FieldRead]:
    for name in FIELDS:
        path = getattr(mapping, name)
        setting = f"FIELD_{name.upper()}={'' if path is None else shown(path)}"
        yield FieldRead(name, str(getattr(transaction, name)), setting)


def _problems(record: Record, mapping: FieldMapping) -> Iterator[str]:
    """Yield what is wrong with each field of a transaction, where the record can be read at all."""
    with suppress(InvalidTransaction, RecursionError):
        document = read_document(unframed(record.value or b""))
        for name in FIELDS:
            try:
                read_field(document, mapping, name)
            except InvalidTransaction as error:
                yield f"{error}  (FIELD_{name.upper()}={shown(mapping.paths[name])})"


def _fields_of(record: Record) -> Iterator[str]:
    """Yield what the record has, as far as it can be read."""
    with suppress(InvalidTransaction, RecursionError):
        document = read_document(unframed(record.value or b""))
        for number, (path, written) in enumerate(islice(written_fields(document), MOST_FIELDS + 1)):
            value = written[:LONGEST_LINE].decode(errors="ignore")
            field = f"{one_line(shown(path), LONGEST_LINE)}: {one_line(value, LONGEST_VALUE)}"
            yield field if number < MOST_FIELDS else "more, which are not shown"
