"""What is shown of an offence besides its place: which transaction it was, where it belongs and why."""

from collections.abc import Iterator

from audit.findings import LOST, MISROUTED
from audit.law import Destination, Law, Verdict, judge
from audit.reading import read
from messaging.batch import Record
from messaging.settings import TopicSettings
from payments.mapping import FieldMapping
from runtime.logs import printable


def note(kind: str, record: Record, topics: TopicSettings, law: Law | None, mapping: FieldMapping) -> str:
    """Return what is known of an offence's record: that of the input, or that of an output without one.

    Where its law is not known, neither is where it belongs; the mapping says where its id is.
    """
    return ", ".join(_known(kind, record, topics, law, mapping))


def _known(kind: str, record: Record, topics: TopicSettings, law: Law | None, mapping: FieldMapping) -> Iterator[str]:
    mapping = mapping if law is None else law.mapping
    transaction = None if mapping.id is None else read(record, mapping)
    if transaction is not None:
        yield f"id {printable(transaction.id)}"
    if kind not in (LOST, MISROUTED):
        return
    if record.problem is not None:
        yield f"expected {topics.dead_letter}: {printable(record.problem)}"
    elif law is not None:
        yield _expected(judge(record, law), topics)


def _expected(verdict: Verdict, topics: TopicSettings) -> str:
    """Return where a record belongs, and which rules or what else makes it so."""
    if verdict.belongs is Destination.FRAUD:
        return f"expected {topics.fraud}: {printable(', '.join(verdict.reasons))}"
    if verdict.belongs is Destination.LEGIT:
        return f"expected {topics.legit}"
    if verdict.failed is not None:
        return f"expected {topics.dead_letter}: {printable(f'rule {verdict.failed} failed')}"
    if verdict.belongs is Destination.ANYWHERE:
        return "expected anywhere: it is nested too deeply"
    return f"expected {topics.dead_letter}: not a transaction (rules explain says why)"
