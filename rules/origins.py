"""Which record of the input an output came from, and which output a record of the input led to."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from decision.header_names import OF_VERDICTS
from messaging.batch import Place, Record, place_of
from messaging.settings import TopicSettings
from rules.changes import NotPossible
from rules.cluster import Cluster
from rules.places import headers_before, place_in_headers
from rules.search import search

_MOST = 20_000  # records of one time or later, or the last ones of a topic, that are looked at
_MOST_SHOWN = 10


class _Alike(NamedTuple):
    """The records that are wanted, those of the nearest partition first, and whether no others can be."""

    records: Sequence[Record]
    is_all: bool

    @property
    def remarks(self) -> list[str]:
        """What is to be said where there are several."""
        if not self.records[1:]:
            return []
        shown = ", ".join(str(place_of(record)) for record in self.records[:_MOST_SHOWN])
        return [f"{len(self.records):,} records fit equally well, and the first is shown: {shown}"]


def origin_of(output: Record, cluster: Cluster, topics: TopicSettings) -> tuple[Record, list[str]]:
    """Return the record of the input that an output came from, and what may be wrong about that.

    Of a dead letter whose record is deleted it is what the dead letter itself holds. Raises NotPossible where it is not
    to be found, and ServiceFailed.
    """
    if output.topic == topics.dead_letter:
        return _origin_of_dead_letter(output, cluster, topics), []
    if output.has_broker_time:
        raise NotPossible(f"{output.topic} has the broker's time, by which the record of the input cannot be found")
    found = _alike(cluster, output, (topics.transactions,), lambda record: _is_alike(output, record))
    if not found.records:
        where = "to be found" if found.is_all else f"among the first {_MOST:,} records of that time or later"
        raise NotPossible(f"the record that it came from is not {where} in {topics.transactions}")
    return found.records[0], found.remarks


def output_of(record: Record, cluster: Cluster, topics: TopicSettings) -> tuple[Record | None, list[str]]:
    """Return what a record of the input led to, None where that is not found, and what is to be said of that.

    A dead letter may be of an earlier time: where the topics do not take the record's own. Raises ServiceFailed.
    """
    place, names = place_of(record), ", ".join(topics.outputs)
    found = _alike(cluster, record, topics.outputs, lambda output: _follows(output, record, place, topics))
    if found.records:
        return found.records[0], found.remarks
    last = search(cluster, topics.dead_letter, lambda output: place_in_headers(output, topics) == place, _MOST)
    if last.records:
        return last.records[0], []
    if found.is_all and last.is_all:
        return None, [f"nothing in {names} follows from it: it may not be judged yet"]
    looked_at = f"the first {_MOST:,} records of that time or later in {names}, nor the last in {topics.dead_letter}"
    return None, [f"what follows from it is not among {looked_at}"]


def _origin_of_dead_letter(output: Record, cluster: Cluster, topics: TopicSettings) -> Record:
    place = place_in_headers(output, topics)
    if place is None:
        raise NotPossible(f"its headers name no record of {topics.transactions}")
    try:
        return cluster.record(place)
    except NotPossible:
        if output.value is None:
            raise
        return replace(output, **place._asdict(), headers=headers_before(output))


def _alike(cluster: Cluster, near: Record, names: Sequence[str], is_wanted: Callable[[Record], bool]) -> _Alike:
    """Return those of the first 20,000 records of a record's time or later."""
    starts, ends = cluster.offsets_at(max(0, near.timestamp), *names), cluster.ends(*names)
    if near.timestamp < 0:  # it has no time, and Kafka would take that for something else
        starts = {at: 0 for at, end in ends.items() if end}
    most = _MOST // max(1, len(starts)) + 1
    until = {at: min(ends[at], start + most) for at, start in starts.items()}
    found = sorted(filter(is_wanted, cluster.read(starts, until)), key=place_of)
    found.sort(key=lambda record: record.partition != near.partition)
    return _Alike(found, all(ends[at] == end for at, end in until.items()))


def _follows(output: Record, record: Record, place: Place, topics: TopicSettings) -> bool:
    if output.topic == topics.dead_letter:
        return place_in_headers(output, topics) == place
    return _is_alike(output, record)


def _is_alike(output: Record, record: Record) -> bool:
    """Tell whether an output is a record with headers added to it; its time may be the broker's own."""
    has_time = output.has_broker_time or output.timestamp == record.timestamp
    own, added = output.headers[: len(record.headers)], output.headers[len(record.headers) :]
    has_headers = [*own] == [*record.headers] and all(name in OF_VERDICTS for name, _ in added)
    return has_time and has_headers and (output.key, output.value) == (record.key, record.value)
