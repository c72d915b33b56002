"""What an output record says about the input record that it came from: the headers that the detector adds."""

from collections.abc import Collection, Mapping, Sequence

from audit.law import Law
from audit.partition import fingerprint, time_of
from audit.places import Places
from audit.reading import read
from audit.reasons import count_reasons, count_shadow_reasons
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings

_REASON, _SCORE, _SHADOW_REASON, _FAILED = "fraud.reason", "fraud.score", "shadow.reason", "rule.failed"
_ADDED = {_REASON, _SCORE, _SHADOW_REASON, _FAILED}
_ERRORS = [f"__detector.errors.{name}" for name in ("topic", "partition", "offset", "message")]
_MOST_DIGITS = 19


def coordinates(record: Record, topics: TopicSettings) -> tuple[int, int] | None:
    """Return the partition and the offset of the input that a dead letter names, None for whatever names none."""
    if record.topic != topics.dead_letter:
        return None
    added = record.headers[-len(_ERRORS) :]
    if [name for name, _ in added] != _ERRORS:
        return None
    topic, partition, offset = (value or b"" for _, value in added[:-1])
    if topic != topics.transactions.encode() or not (_is_number(partition) and _is_number(offset)):
        return None
    return int(partition), int(offset)


def without_coordinates(record: Record) -> Headers:
    """Return the headers of a dead letter that has coordinates, as they were before."""
    return record.headers[: -len(_ERRORS)]


def content_before(record: Record, places: Places, topics: TopicSettings, law: Law) -> int | None:
    """Return the fingerprint of the input that a record follows from, None where the places have none.

    The places are by content alone where the record has a time of the broker's, otherwise by content plus time. The
    detector may have added reasons to its headers. Where the input has some too, and a record like it has fewer or
    more, their number tells which of them it was, as far as the versions of the rules agree on it.
    """
    time = 0 if record.has_broker_time else time_of(record)
    contents = _contents_before(record, topics)
    known = {added: content for added, content in contents.items() if content + time in places}
    if len(known) > 1:
        counts = _counts(record, topics, law)
        known = {added: content for added, content in known.items() if added in counts} or known
    return next(iter(known.values()), None)


def _counts(record: Record, topics: TopicSettings, law: Law) -> Collection[int]:
    """Return how many reasons the detector may have added to a record of fraud or legit."""
    transaction = read(record, law.mapping)
    if transaction is None:
        return (0,)
    count = count_reasons if record.topic == topics.fraud else count_shadow_reasons
    return count(transaction, record.timestamp, law)


def _contents_before(record: Record, topics: TopicSettings) -> Mapping[int, int]:
    """Return the fingerprints of what the record may have been, by how many reasons the detector then has added.

    On fraud these are reasons to call it that, on legit those of rules that do not count. The input may have had some
    of its own: so any number of them at the end may be the detector's, beginning with all. None are where they would
    not have fitted.
    """
    whole = {0: fingerprint(record, record.headers)}
    if not record.headers or record.headers[-1][0] not in _ADDED:
        return whole
    first, last = _reasons(record, topics)
    return {last - length: fingerprint(record, record.headers[:length]) for length in range(first, last)} | whole


def _reasons(record: Record, topics: TopicSettings) -> tuple[int, int]:
    """Return the indexes of the first and behind the last header that may be a reason of the detector's."""
    names = [name for name, _ in record.headers]
    last = _end_of_reasons(names) if record.topic == topics.fraud else len(names)
    reason = {topics.fraud: _REASON, topics.legit: _SHADOW_REASON}.get(record.topic)
    return _before_run(names, last, reason), last


def _end_of_reasons(names: Sequence[str]) -> int:
    """Return the index behind the reasons of a fraud, before its score; earlier versions added nothing behind them."""
    last = len(names) - (names[-1:] == [_FAILED])
    last = _before_run(names, last, _SHADOW_REASON)
    return last - 1 if names[last - 1 : last] == [_SCORE] else len(names)


def _before_run(names: Sequence[str], last: int, name: str | None) -> int:
    """Return the index of the first of those headers before `last` that all have that name."""
    while last and names[last - 1] == name:
        last -= 1
    return last


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _MOST_DIGITS
