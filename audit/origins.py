"""What an output record says about the input record that it came from: the headers that the detector adds."""

from collections.abc import Mapping, Sequence

from audit.partition import fingerprint
from audit.reasons import ADDED, FAILED, REASON, SCORE, SHADOW_REASON
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings

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


def contents_before(record: Record, topics: TopicSettings) -> Mapping[int, int]:
    """Return the fingerprints of what the record may have been, by how many headers that had.

    The detector may have added some: on fraud reasons to call it that, on legit those of rules that do not count. The
    input may have had some of its own: so any number of them at the end may be the detector's, beginning with all. None
    are where they would not have fitted.
    """
    count = len(record.headers)
    whole = {count: fingerprint(record, record.headers)}
    if not record.headers or record.headers[-1][0] not in ADDED:
        return whole
    first, last = _reasons(record, topics)
    return {length: fingerprint(record, record.headers[:length]) for length in range(first, last)} | whole


def _reasons(record: Record, topics: TopicSettings) -> tuple[int, int]:
    """Return the indexes of the first and behind the last header that may be a reason of the detector's."""
    names = [name for name, _ in record.headers]
    last = _end_of_reasons(names) if record.topic == topics.fraud else len(names)
    reason = {topics.fraud: REASON, topics.legit: SHADOW_REASON}.get(record.topic)
    return _before_run(names, last, reason), last


def _end_of_reasons(names: Sequence[str]) -> int:
    """Return the index behind the reasons of a fraud, before its score; earlier versions added nothing behind them."""
    last = len(names) - (names[-1:] == [FAILED])
    last = _before_run(names, last, SHADOW_REASON)
    return last - 1 if names[last - 1 : last] == [SCORE] else len(names)


def _before_run(names: Sequence[str], last: int, name: str | None) -> int:
    """Return the index of the first of those headers before `last` that all have that name."""
    while last and names[last - 1] == name:
        last -= 1
    return last


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _MOST_DIGITS
