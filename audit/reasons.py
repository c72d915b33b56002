"""Which rules make a record what it is, in each of the versions of the rules by which it may have been judged."""

from collections.abc import Collection
from typing import NamedTuple

from audit.law import Law, asked
from audit.reading import read
from messaging.batch import Record
from payments.transaction import Transaction


class Ground(NamedTuple):
    """Why a record belongs where it does, and by how many versions of the rules it may have been judged."""

    reason: str
    versions: int = 1


def why(record: Record, law: Law) -> Ground:
    """Return the names of the rules that make a record of the input fraud in any version, or why it gets no verdict."""
    transaction = read(record, law.mapping)
    if record.problem is not None:
        return Ground(record.problem)
    if transaction is None:
        return Ground("not a transaction (detector --explain says why)")
    answers = {rule.name: asked(rule, transaction) for rule in law.code_rules}
    of_code = [name for name, saw in answers.items() if saw]
    failed = [f"rule {name} failed" for name, saw in answers.items() if saw is None]
    by_version = _by_version(transaction, record.timestamp, law)
    of_fraud = [names for names, is_fraud in by_version if is_fraud or of_code]
    names = dict.fromkeys(name for names in of_fraud for name in names)
    is_certain = len(of_fraud) == len(by_version)
    return Ground(", ".join([*names, *of_code, *([] if is_certain else failed[:1])]), len(by_version))


def count_reasons(transaction: Transaction, record_ms: int, law: Law) -> Collection[int]:
    """Return how many rules hit and count for the verdict, by each of the versions in question.

    `record_ms` is the record's timestamp, in ms since the epoch.
    """
    of_code = [asked(rule, transaction) for rule in law.code_rules].count(True)
    return {of_code + len(names) for names, _ in _by_version(transaction, record_ms, law)}


def count_shadow_reasons(transaction: Transaction, record_ms: int, law: Law) -> Collection[int]:
    """Return how many rules hit and do not count, by each of the versions in question."""
    in_question = law.in_question(record_ms)
    hits = in_question.shadow_hits(transaction, record_ms)
    return {sum(rule in hits for rule in version.shadow) for version in in_question.versions}


def _by_version(transaction: Transaction, record_ms: int, law: Law) -> list[tuple[list[str], bool]]:
    """Return of each version the live rules that hit, but for those of code, and whether that makes fraud."""
    is_over = transaction.amount > law.threshold
    in_question = law.in_question(record_ms)
    hits = in_question.hits(transaction, record_ms)
    return [
        (version.reasons(hits, is_over=is_over), version.is_fraud(hits, is_over=is_over))
        for version in in_question.versions
    ]
