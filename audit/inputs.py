"""The records of the input, which are found by their offset or by their content.

A record of `fraud` or `legit` does not say where it comes from, so it is known by its content: a 128-bit hash of key,
value and headers, and its timestamp, unless the broker has put its own in the place of that (LogAppendTime). Alike
records are taken one for one, in their order.
"""

from collections import defaultdict
from collections.abc import Iterator

from audit.partition import FOUND, FOUND_BY_CONTENT, Partition, fingerprint, time_of
from audit.places import INDEX, PARTITION_BIT, Places
from messaging.batch import Record


class Inputs:
    """The partitions of the input, by their numbers; a place stands for a record of one of them, see places.py."""

    def __init__(self) -> None:
        self._partitions: defaultdict[int, Partition] = defaultdict(Partition)
        self._places = Places()  # by content plus time
        self._places_by_content: Places | None = None  # as soon as it is needed

    def add(self, record: Record, kind: int, identity: object) -> None:
        """Take a record of the input; those of a partition come in their order."""
        content = fingerprint(record, record.headers)
        partition = self._partitions[record.partition]
        place = record.partition << PARTITION_BIT | len(partition.offsets)
        partition.append(record, content, kind, identity)
        self._places.add(content + time_of(record), place)
        if self._places_by_content is not None:
            self._places_by_content.add(content, place)

    def at(self, place: int) -> tuple[Partition, int]:
        """Return the partition of a place, and the index there."""
        return self._partitions[place >> PARTITION_BIT], place & INDEX

    def named(self, partition: int, offset: int) -> int | None:
        """Return the place of a record, None where there is none."""
        index = self._partitions[partition].index(offset) if partition in self._partitions else None
        return None if index is None else partition << PARTITION_BIT | index

    def missing(self) -> Iterator[int]:
        """Yield the place of each record that was not found, partition after partition."""
        for number, partition in sorted(self._partitions.items()):
            for index in partition.missing():
                yield number << PARTITION_BIT | index

    def has(self, content: int, output: Record) -> bool:
        """Tell whether an output can follow from a record of that content, which may have been found before."""
        if output.has_broker_time:
            return content in self._by_content()
        return content + time_of(output) in self._places

    def free(self, content: int, output: Record) -> int | None:
        """Return the place of a record of that content, from which an output can follow, that was not found before."""
        if output.has_broker_time:
            return self._by_content().first(content, output.partition, self.is_found)
        return self._places.first(content + time_of(output), output.partition, self.is_found)

    def take(self, content: int, output: Record) -> int | None:
        """Find a record of that content from which an output follows, and return its place; None where all are taken.

        Whatever was taken for it by its content alone makes room if it can.
        """
        if output.has_broker_time:
            return self.find(self._by_content().first(content, output.partition, self.is_found), FOUND_BY_CONTENT)
        place = self._places.first(content + time_of(output), output.partition, self._is_settled)
        if place is not None and self.is_found(place):
            instead = self._by_content().first(content, output.partition, self.is_found)
            if instead is None:
                return None
            self.find(instead, FOUND_BY_CONTENT)
        return self.find(place, FOUND)

    def find(self, place: int | None, how: int) -> int | None:
        """Take note that a record was found, and return its place."""
        if place is not None:
            partition, index = self.at(place)
            partition.found[index] = how
        return place

    def is_found(self, place: int) -> bool:
        """Tell whether an output was found that follows from a record."""
        partition, index = self.at(place)
        return bool(partition.found[index])

    def _is_settled(self, place: int) -> bool:
        partition, index = self.at(place)
        return partition.found[index] == FOUND

    def _by_content(self) -> Places:
        if self._places_by_content is None:
            self._places_by_content = places = Places()
            for number, partition in self._partitions.items():
                for index in range(len(partition.offsets)):
                    places.add(partition.print(index), number << PARTITION_BIT | index)
        return self._places_by_content
