"""What is shown of an offence besides its place: which transaction it was, where it belongs and why."""

from audit.findings import LOST, MISROUTED
from audit.law import Allowed, Law, judge
from audit.reading import read
from audit.reasons import why
from messaging.batch import Record
from messaging.settings import TopicSettings
from runtime.logs import printable


def note(kind: str, record: Record, topics: TopicSettings, law: Law) -> str:
    """Return what is known of an offence's record: that of the input, or that of an output without one."""
    transaction = None if law.mapping.id is None else read(record, law.mapping)
    known = [] if transaction is None else [f"id {printable(transaction.id)}"]
    if kind in (LOST, MISROUTED):
        known.append(_expected(record, topics, law))
    return ", ".join(known)


def _expected(record: Record, topics: TopicSettings, law: Law) -> str:
    belongs, _ = judge(record, law)
    names = {Allowed.FRAUD: topics.fraud, Allowed.LEGIT: topics.legit, Allowed.DEAD_LETTER: topics.dead_letter}
    expected = f"expected {' or '.join(name for where, name in names.items() if belongs & where)}"
    ground = why(record, law)
    reason = f": {printable(ground.reason)}" if ground.reason else ""
    versions = f" (by {ground.versions} versions of the rules)" if ground.versions > 1 else ""
    return expected + reason + versions
