"""The ledger: records of the input as they come in, records of the outputs held against them, and what does not match.

A record of `fraud` or `legit` does not say where it comes from, so it is known by its content: a 128-bit hash of key,
value and headers, and its timestamp, unless the broker has put its own in the place of that (LogAppendTime). Alike
records are taken one for one, in their order. A dead letter says in its headers which record it was. Of each record of
the input some 250 bytes stay here, whatever its size.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from copy import deepcopy

from msgspec.structs import replace

from audit.findings import ALTERED, DOUBLED, FOREIGN, LOST, MISROUTED, OUT_OF_ORDER, Findings, Offences, Place
from audit.law import SHORTENED_DEAD_LETTER, Allowed, Law, judge
from audit.origins import content_before, coordinates, without_coordinates
from audit.partition import FOUND, FOUND_BY_CONTENT, NO_KEY, Partition, fingerprint, key_hash, time_of
from audit.places import INDEX, PARTITION_BIT, Places
from audit.reading import identity
from messaging.batch import Record
from messaging.settings import TopicSettings


class Ledger:
    """Takes the records of the input, then those of the outputs that follow from them, and so on.

    `is_cut` where old records are left out: then an output may follow from one of these.
    """

    def __init__(self, topics: TopicSettings, law: Law, *, is_cut: bool) -> None:
        self._topics = topics
        self._law = law
        self._is_cut = is_cut
        # Plain numbers: each output is compared with one, and IntFlag's operators are slow.
        self._destinations = {
            topics.fraud: Allowed.FRAUD.value,
            topics.legit: Allowed.LEGIT.value,
            topics.dead_letter: Allowed.DEAD_LETTER.value,
        }
        self._read = Counter(dict.fromkeys(topics.all, 0))
        self._input: defaultdict[int, Partition] = defaultdict(Partition)
        self._places = Places()  # by content plus time
        self._places_by_content: Places | None = None  # as soon as it is needed
        self._last: defaultdict[tuple[str, int, int], dict[int, int]] = defaultdict(dict)
        self._offences = Offences()
        self._unmatched: list[tuple[int, Place, bool]] = []

    def add_input(self, record: Record) -> None:
        """Take a record of the input; those of a partition come in their order."""
        self._read[record.topic] += 1
        content = fingerprint(record, record.headers)
        partition = self._input[record.partition]
        place = record.partition << PARTITION_BIT | len(partition.offsets)
        partition.append(record, content, *judge(record, self._law, by_oldest=True))
        self._places.add(content + time_of(record), place)
        if self._places_by_content is not None:
            self._places_by_content.add(content, place)

    def add_output(self, record: Record) -> None:
        """Take a record of an output, after the record of the input that it follows from."""
        self._read[record.topic] += 1
        place = self._named_place(record)
        if place is not None:
            self._match_dead_letter(place, record)
            return
        places = self._by_content() if record.has_broker_time else self._places
        content = content_before(record, places, self._topics, self._law)
        if content is None:
            may_be_older = self._is_cut and (record.has_broker_time or coordinates(record, self._topics) is not None)
            self._unmatched.append((hash(identity(record, self._law.mapping)), _position(record), may_be_older))
        elif not record.has_broker_time:
            self._match(self._place_at_its_time(content, record), record, FOUND)
        else:
            place = self._by_content().first(content, record.partition, self._is_found)
            self._match(place, record, FOUND_BY_CONTENT)

    def findings(self, committed: Mapping[int, int]) -> Findings:
        """Return what has been found so far; `committed` is the group's offset in each partition of the input."""
        offences = deepcopy(self._offences)
        altered = self._tell_altered_from_foreign(offences)
        in_flight = 0
        for number, partition in sorted(self._input.items()):
            for index in partition.missing():
                place = number << PARTITION_BIT | index
                if place in altered:
                    continue
                if partition.offsets[index] >= committed.get(number, 0):
                    in_flight += 1
                else:
                    offences.add(LOST, None, self._origin(place))
        return Findings(self._read, offences, in_flight)

    def _by_content(self) -> Places:
        if self._places_by_content is None:
            self._places_by_content = places = Places()
            for number, partition in self._input.items():
                for index in range(len(partition.offsets)):
                    places.add(partition.print(index), number << PARTITION_BIT | index)
        return self._places_by_content

    def _place_at_its_time(self, content: int, record: Record) -> int | None:
        """Return a place of that content and time; whatever was taken for it by its content makes room if it can."""
        place = self._places.first(content + time_of(record), record.partition, self._is_settled)
        if place is None or not self._is_found(place):
            return place
        instead = self._by_content().first(content, record.partition, self._is_found)
        if instead is None:
            return None
        self._input[instead >> PARTITION_BIT].found[instead & INDEX] = FOUND_BY_CONTENT
        return place

    def _named_place(self, record: Record) -> int | None:
        """Return the place that a dead letter names, None where it names none of the input."""
        named = coordinates(record, self._topics)
        if named is None or named[0] not in self._input:
            return None
        index = self._input[named[0]].index(named[1])
        return None if index is None else named[0] << PARTITION_BIT | index

    def _match_dead_letter(self, place: int, record: Record) -> None:
        partition, index = self._input[place >> PARTITION_BIT], place & INDEX
        is_whole = fingerprint(record, without_coordinates(record)) == partition.print(index)
        is_whole = is_whole and (record.has_broker_time or time_of(record) == partition.times[index])
        is_rest = record.value is None and key_hash(record) in (NO_KEY, partition.keys[index])
        if not (is_whole or (is_rest and partition.allowed[index] & Allowed.SHORTENED) or self._is_found(place)):
            partition.found[index] = FOUND
            self._offences.add(ALTERED, _position(record), self._origin(place))
        else:
            self._match(None if self._is_found(place) else place, record, FOUND)

    def _match(self, place: int | None, record: Record, how: int) -> None:
        """Settle a record of the input with that of an output; None: an output has it already."""
        if place is None:
            self._offences.add(DOUBLED, _position(record))
            return
        partition, index = self._input[place >> PARTITION_BIT], place & INDEX
        partition.found[index] = how
        if not partition.allowed[index] & self._destinations[record.topic] and not self._may_be(place, record):
            self._offences.add(MISROUTED, _position(record), self._origin(place))
        elif not self._is_in_order(place, partition.keys[index], record):
            self._offences.add(OUT_OF_ORDER, _position(record), self._origin(place))

    def _may_be(self, place: int, record: Record) -> bool:
        """Tell whether a record of the input may be there by any version of the rules, also one that came after it.

        The output tells all that they look at, but not whether a record could be read whole.
        """
        partition, index = self._input[place >> PARTITION_BIT], place & INDEX
        if partition.allowed[index] == SHORTENED_DEAD_LETTER:
            return False
        came_in = replace(record, **self._origin(place)._asdict(), timestamp=partition.times[index], headers=())
        return bool(judge(came_in, self._law)[0] & self._destinations[record.topic])

    def _is_in_order(self, place: int, key: int, record: Record) -> bool:
        """Tell whether what stood before it in its account stands before it there too; without a key it has none."""
        last = self._last[record.topic, record.partition, place >> PARTITION_BIT]
        if key == NO_KEY:
            return True
        if last.get(key, -1) > place:
            return False
        last[key] = place
        return True

    def _tell_altered_from_foreign(self, offences: Offences) -> set[int]:
        """Count what matched nothing, and return the places of which it is the altered rest."""
        missing = self._missing_by_identity() if self._unmatched else {}
        altered = set()
        for itself, position, may_be_older in self._unmatched:
            if places := missing.get(itself):
                place = places.popleft()
                altered.add(place)
                offences.add(ALTERED, position, self._origin(place))
            elif not may_be_older:
                offences.add(FOREIGN, position)
        return altered

    def _missing_by_identity(self) -> Mapping[int, deque[int]]:
        missing: defaultdict[int, deque[int]] = defaultdict(deque)
        for number, partition in self._input.items():
            for index in partition.missing():
                missing[partition.identities[index]].append(number << PARTITION_BIT | index)
        return missing

    def _is_found(self, place: int) -> bool:
        return bool(self._input[place >> PARTITION_BIT].found[place & INDEX])

    def _is_settled(self, place: int) -> bool:
        return self._input[place >> PARTITION_BIT].found[place & INDEX] == FOUND

    def _origin(self, place: int) -> Place:
        number = place >> PARTITION_BIT
        return Place(self._topics.transactions, number, self._input[number].offsets[place & INDEX])


def _position(record: Record) -> Place:
    return Place(record.topic, record.partition, record.offset)
