"""How one record would be read and judged, in words: this shows which FIELD_* settings fit."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

from decision.ruleset import RuleSet
from decision.verdict import Verdict
from detector.code_rules import CodeRule, RuleFailed, hits_of
from detector.decision import Decision
from messaging.batch import Record
from payments.document import read_document, unframed, written_fields
from payments.fields import read_field
from payments.mapping import FIELDS, FieldMapping, shown
from payments.transaction import InvalidTransaction, Transaction
from runtime.logs import printable

_LONGEST_VALUE = 80
_LONGEST_LINE = 512
_MOST_FIELDS = 100

Lines = Iterator[tuple[str, str]]


def explain(record: Record, decision: Decision, mapping: FieldMapping, tried: RuleSet) -> tuple[str, bool]:
    """Return lines that say how the record is read and judged, and whether it gets a verdict.

    What each rule says is shown, and those that are tried. Whether the topics take the record, by its size and its
    time, is not looked at.
    """
    try:
        verdict = decision.judge(record)
    except InvalidTransaction as error:
        problems = list(_problems(record, mapping)) or [("dead letter", str(error))]
        return _text([*problems, *_fields_of(record)]), False
    transaction, at = verdict.transaction, record.timestamp
    lines = [
        *_fields_read(transaction, mapping),
        *_outcomes("rule", decision.rules, transaction, at),
        *(("rule", f"{_outcome_of_code(rule, transaction)}: {rule.name}") for rule in decision.code_rules),
        *_verdict(verdict),
        *_outcomes("tried", tried, transaction, at),
    ]
    return _text(lines), verdict.is_fraud or verdict.failed is None


def _fields_read(transaction: Transaction, mapping: FieldMapping) -> Lines:
    for name in FIELDS:
        path = getattr(mapping, name)
        place = "" if path is None else shown(path)
        value = printable(str(getattr(transaction, name)), _LONGEST_VALUE) or "(none)"
        yield name, f"{value}  (FIELD_{name.upper()}={place})"


def _verdict(verdict: Verdict) -> Lines:
    if verdict.is_fraud:
        yield from (("fraud", hit.reason) for hit in verdict.hits)
    elif verdict.failed is None:
        yield "legit", "no rule of the settings finds anything; RULES_TOPIC is not asked"
    if verdict.failed is not None:
        yield ("rule failed" if verdict.is_fraud else "dead letter"), verdict.failed


def _outcomes(what: str, rules: RuleSet, transaction: Transaction, record_ms: int) -> Lines:
    for said in rules.said(transaction, record_ms):
        yield what, f"{said.outcome}: {said.label}"
        yield "", said.saw


def _outcome_of_code(rule: CodeRule, transaction: Transaction) -> str:
    try:
        return "hit" if hits_of(rule, transaction) else "no hit"
    except RuleFailed:
        return "failed"


def _problems(record: Record, mapping: FieldMapping) -> Lines:
    """Yield what is wrong with each field of a transaction, where the record can be read at all."""
    with suppress(InvalidTransaction, RecursionError):
        document = read_document(unframed(record.value or b""))
        for name in FIELDS:
            try:
                read_field(document, mapping, name)
            except InvalidTransaction as error:
                yield "dead letter", f"{error}  (FIELD_{name.upper()}={shown(mapping.paths[name])})"


def _fields_of(record: Record) -> Lines:
    """Yield what the record has, as far as it can be read."""
    with suppress(InvalidTransaction, RecursionError):
        document = read_document(unframed(record.value or b""))
        for number, (path, written) in enumerate(islice(written_fields(document), _MOST_FIELDS + 1)):
            value = written[:_LONGEST_LINE].decode(errors="ignore")
            field = f"{printable(shown(path), _LONGEST_LINE)}: {printable(value, _LONGEST_VALUE)}"
            yield "it has", field if number < _MOST_FIELDS else "more, which are not shown"


def _text(lines: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{what:<12} {printable(text, _LONGEST_LINE)}\n" for what, text in lines)
