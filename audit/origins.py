"""What an output record says about the input record that it came from: the headers that the detector adds."""

from collections.abc import Mapping

from audit.partition import fingerprint
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings

_REASON = "fraud.reason"
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
    """Return the fingerprints of what the record may have been, by how many reasons the detector then has added."""
    if record.topic != topics.fraud:
        return {0: fingerprint(record, record.headers)}
    first = last = len(record.headers)
    while first and record.headers[first - 1][0] == _REASON:
        first -= 1
    return {last - length: fingerprint(record, record.headers[:length]) for length in range(first, last + 1)}


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _MOST_DIGITS
