"""A reader that reads along while the faults happen."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from messaging.batch import Headers, Record
from tests.support.topics import open_reader
from tests.support.waiting import wait_until

_AT_ONCE = 5_000
_PATIENCE_SECONDS = 20.0

Seen = Mapping[tuple[str, int], Sequence[tuple[int, int]]]


class Witness:
    """Reads committed records with librdkafka, and keeps each one's offset and a hash of its content."""

    def __init__(self, servers: str, topics: Sequence[str], partitions: int) -> None:
        self._consumer = open_reader(servers, topics, partitions, {})
        self._stop = threading.Event()
        self._seen: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def contradictions(self, records: Sequence[Record]) -> Sequence[str]:
        """Read on up to as many records as somebody else has found in the end, and return where the two differ.

        What it alone has seen was aborted, or changed; what it has not seen was skipped; an order of its own or an
        offset twice is a difference too.
        """
        found = in_places(records)
        try:
            wait_until(lambda: self._count() >= len(records), _PATIENCE_SECONDS, "what others have read")
        except AssertionError as late:
            return [f"the reader along saw {self._count():,} of {len(records):,} records: {late}"]
        return [
            f"another order or content in {place}"
            for place in self._seen.keys() | found
            if self._seen[place] != found.get(place)
        ]

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _count(self) -> int:
        return sum(len(place) for place in list(self._seen.values()))

    def _read(self) -> None:
        while not self._stop.is_set():
            messages: Sequence[Any] = self._consumer.consume(_AT_ONCE, 0.2)
            for each in messages:
                if each.error() is None:
                    content = _content(each.key(), each.value(), each.headers() or ())
                    self._seen[each.topic(), each.partition()].append((each.offset(), content))


def in_places(records: Iterable[Record]) -> Seen:
    """Return the same of records that somebody else has read, in their order."""
    places: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for record in records:
        content = _content(record.key, record.value, record.headers)
        places[record.topic, record.partition].append((record.offset, content))
    return dict(places)


def _content(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    return hash((key, value, tuple(headers)))
