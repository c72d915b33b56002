"""Kafka as the commands read it that change nothing there: no topic is made, no group is joined."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from click.exceptions import Abort

from messaging.batch import Offsets, Place, Record
from messaging.seam import ClientLibrary, Reader
from messaging.settings import ConnectionSettings
from rules.changes import NotPossible
from rules.connection import or_failed, records_of
from runtime.service import ServiceFailed
from runtime.stop import Stop


@dataclass(frozen=True)
class Cluster:
    """A cluster, and how to get there.

    Every method raises ServiceFailed where Kafka does not answer, and ServiceRefused where it refuses; those that read,
    Abort where a stop is asked for.
    """

    library: ClientLibrary
    connection: ConnectionSettings
    stop: Stop

    def ends(self, *topics: str) -> Offsets:
        """Return where the partitions of topics end now."""
        with or_failed(self.connection):
            return self.library.end_offsets(self.connection, topics)

    def offsets_at(self, milliseconds: int, *topics: str) -> Offsets:
        """Return each partition's first offset with a timestamp of that time or later; where none is, none."""
        with or_failed(self.connection):
            return self.library.offsets_at(self.connection, topics, milliseconds)

    def read(self, starts: Offsets, ends: Offsets) -> Iterator[Record]:
        """Yield the committed records from there to there, those of a partition in their order."""
        with or_failed(self.connection), closing(self._opened(starts, ends)) as reader:
            yield from records_of(reader, self._raise_if_stopped)

    def history(self, topic: str, end: int | None = None) -> Iterator[Record]:
        """Yield the records of a topic with one partition, up to an offset, or all."""
        ends = self.ends(topic)
        if len(ends) != 1:
            raise ServiceFailed(f"it has {len(ends)} partitions, in which a history has no order")
        at, last = (topic, 0), ends[topic, 0]
        yield from self.read({at: 0}, {at: last if end is None else min(end, last)})

    def record(self, place: Place) -> Record:
        """Return the record at a place. Raises NotPossible where there is none."""
        at = place.topic, place.partition
        ends = self.ends(place.topic)
        if at not in ends:
            raise NotPossible(
                f"{place.topic} has no partition {place.partition}; it has {len(ends)} of them, from 0 on"
            )
        if not 0 <= place.offset < ends[at]:
            raise NotPossible(f"there is no {place} yet: {place.topic}[{place.partition}] ends at offset {ends[at]}")
        found = next(self.read({at: place.offset}, {at: place.offset + 1}), None)
        if found is None or found.offset != place.offset:
            why = "Kafka has deleted it, or it belongs to an aborted Kafka transaction, or is the marker that ends one"
            raise NotPossible(f"there is no record at {place}: {why}")
        return found

    def _opened(self, starts: Offsets, ends: Offsets) -> Reader:
        return self.library.open_reader(self.connection, starts, ends)

    def _raise_if_stopped(self) -> None:
        if self.stop.requested:
            raise Abort
