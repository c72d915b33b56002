"""Looks for records, such as those with an id, from the end of a topic back."""

import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

from tqdm import tqdm

from messaging.batch import Offsets, Record
from payments.document import read_document, unframed
from payments.fields import read_field
from payments.mapping import FieldMapping
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction
from rules.cluster import Cluster

_FIRST_WINDOW = 10_000


class Found(NamedTuple):
    """The records that are wanted, the newest first, how many were looked at, and whether that were all."""

    records: list[Record]
    searched: int
    is_all: bool


class Ids:
    """Tells the id of a record by the mapping, also where the rest of it is no transaction."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._mapping = mapping
        self._reader = TransactionReader(mapping, keeps_json=False)

    def of(self, record: Record) -> object:
        """Return it, None where there is none."""
        try:
            return self._reader.read(record.value, record).id
        except InvalidTransaction:
            return self._alone(record)

    def _alone(self, record: Record) -> object:
        try:
            return read_field(read_document(unframed(record.value or b"")), self._mapping, "id")
        except (InvalidTransaction, RecursionError):
            return None


def search(
    cluster: Cluster, topic: str, is_wanted: Callable[[Record], bool], most: int, first: int = _FIRST_WINDOW
) -> Found:
    """Look through the last records of a topic, until some are wanted, or so many were looked at.

    It is looked through in windows, the first of so many records, each twice as large as the last one, and each as a
    whole.
    """
    ends, searched = cluster.ends(topic), 0
    records: list[Record] = []
    cluster.stop.work_begins("Kafka to answer")
    total = min(most, sum(ends.values()))
    with tqdm(total=total, unit=" records", file=sys.stderr, leave=False, disable=None) as bar:
        for starts, until in windows(ends, most, first):
            for record in cluster.read(starts, until):
                bar.update()
                if is_wanted(record):
                    records.append(record)
            searched += sum(until[at] - start for at, start in starts.items())
            if records:
                break
    return Found(
        sorted(records, key=attrgetter("timestamp", "partition", "offset"), reverse=True),
        searched,
        searched >= sum(ends.values()),
    )


def windows(ends: Offsets, most: int, first: int = _FIRST_WINDOW) -> Iterator[tuple[Offsets, Offsets]]:
    """Yield from where to where to read, from the ends back, so many offsets in all, of each partition alike."""
    left, each = {at: end for at, end in ends.items() if end > 0}, first
    while left and most > 0:
        share = max(1, min(each, most) // len(left))
        starts = {at: max(0, end - share) for at, end in left.items()}
        yield starts, left
        most -= sum(left[at] - start for at, start in starts.items())
        left = {at: start for at, start in starts.items() if start > 0}
        each *= 2
