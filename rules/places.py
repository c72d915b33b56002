"""Where records are, also as headers and ids name it. Pure."""

import re
from collections.abc import Sequence

from decision.header_names import OF_DEAD_LETTERS
from messaging.batch import Headers, Place, Record
from messaging.settings import TopicSettings
from rules.changes import NotPossible

_DIGITS = r"[0-9]{1,18}"


def place_in_id(text: str, topic: str) -> Place | None:
    """Return the place that an id of the form topic-partition-offset names, None where it has another form."""
    match = re.fullmatch(rf"{re.escape(topic)}-({_DIGITS})-({_DIGITS})", text)
    return match and Place(topic, int(match[1]), int(match[2]))


def place_in_words(words: Sequence[str], topics: TopicSettings) -> Place:
    """Return the place that three words name: a topic, a partition and an offset. Raises NotPossible."""
    topic, partition, offset = words
    if topic not in topics.all:
        raise NotPossible(f"TOPIC is one of {', '.join(topics.all)}, not {topic}")
    place = place_in_id("-".join(words), topic)
    if place is None:
        raise NotPossible(f"PARTITION and OFFSET are whole numbers, not {partition} and {offset}")
    return place


def place_in_headers(record: Record, topics: TopicSettings) -> Place | None:
    """Return the place in the input that a dead letter names, None for whatever names none."""
    added = record.headers[-len(OF_DEAD_LETTERS) :]
    if record.topic != topics.dead_letter or tuple(name for name, _ in added) != OF_DEAD_LETTERS:
        return None
    topic, partition, offset = (value or b"" for _, value in added[:-1])
    named = b"-".join((topic, partition, offset)).decode(errors="replace")
    return place_in_id(named, topics.transactions)


def headers_before(record: Record) -> Headers:
    """Return the headers of a dead letter that names its place, as they were in the input."""
    return record.headers[: -len(OF_DEAD_LETTERS)]
