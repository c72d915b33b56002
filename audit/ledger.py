"""The ledger: records of the input as they come in, records of the outputs held against them, and what does not match.

A record of `fraud` or `legit` does not say where it comes from, so it is known by its content: a 128-bit hash of key,
value, headers and timestamp. Alike records are taken one for one, in their order. A dead letter says in its headers
which record it was. Of each record of the input some 250 bytes stay here, whatever its size.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from audit.findings import ALTERED, DOUBLED, FOREIGN, LOST, MISROUTED, OUT_OF_ORDER, Findings, Offences
from audit.law import DEAD_LETTER, FRAUD, LEGIT, SHORTENED, Law, identity, judge
from audit.partition import NO_KEY, Partition, fingerprint, key_hash
from messaging.client import Headers, Record
from messaging.settings import TopicSettings

_REASON = "fraud.reason"
_ERRORS = [f"__detector.errors.{name}" for name in ("topic", "partition", "offset", "message")]
_PARTITION_BIT = 40
_INDEX = (1 << _PARTITION_BIT) - 1
_MOST_DIGITS = 19


class Ledger:
    """Takes the records of the input, then those of the outputs that follow from them, and so on.

    A *place* is a record of the input: its partition and its index there, in one number.
    """

    def __init__(self, topics: TopicSettings, law: Law) -> None:
        self._topics = topics
        self._law = law
        self._destinations = {topics.fraud: FRAUD, topics.legit: LEGIT, topics.dead_letter: DEAD_LETTER}
        self._read = Counter(dict.fromkeys(topics.names(), 0))
        self._input: defaultdict[int, Partition] = defaultdict(Partition)
        self._places: dict[bytes, int | defaultdict[int, deque[int]]] = {}
        self._last: defaultdict[tuple[str, int, int], dict[int, int]] = defaultdict(dict)
        self._offences = Offences()
        self._unmatched: list[tuple[int, str]] = []

    def add_input(self, record: Record) -> None:
        """Take a record of the input; those of a partition come in their order."""
        self._read[record.topic] += 1
        content = fingerprint(record, record.headers)
        partition = self._input[record.partition]
        place = record.partition << _PARTITION_BIT | len(partition.offsets)
        partition.append(record, content, *judge(record, self._law))
        known = self._places.setdefault(content, place)
        if known != place:
            self._add_alike(content, known, place)

    def add_output(self, record: Record) -> None:
        """Take a record of an output, after the record of the input that it follows from."""
        self._read[record.topic] += 1
        place = self._named_place(record)
        if place is not None:
            self._match_dead_letter(place, record)
            return
        contents = (fingerprint(record, headers) for headers in self._headers_before(record))
        known = [content for content in contents if content in self._places]
        if known:
            self._match(self._first_free_place(known, record.partition), record)
        else:
            self._unmatched.append((hash(identity(record)), _position(record)))

    def findings(self, committed: Mapping[int, int]) -> Findings:
        """Return what has been found so far; `committed` is the group's offset in each partition of the input."""
        offences = deepcopy(self._offences)
        altered = self._tell_altered_from_foreign(offences)
        in_flight = 0
        for number, partition in sorted(self._input.items()):
            for index in partition.missing():
                if number << _PARTITION_BIT | index in altered:
                    continue
                if partition.offsets[index] >= committed.get(number, 0):
                    in_flight += 1
                else:
                    offences.add(LOST, self._origin(number << _PARTITION_BIT | index))
        return Findings(self._read, offences, in_flight)

    def _add_alike(self, content: bytes, known: int | defaultdict[int, deque[int]], place: int) -> None:
        if isinstance(known, int):
            alike: defaultdict[int, deque[int]] = defaultdict(deque)
            alike[known >> _PARTITION_BIT].append(known)
            self._places[content] = known = alike
        known[place >> _PARTITION_BIT].append(place)

    def _first_free_place(self, contents: Sequence[bytes], partition: int) -> int | None:
        """Return the earliest, because the outputs of a partition follow its order; best in the same partition."""
        free = [place for content in contents if (place := self._free_place(content, partition)) is not None]
        return min(free, key=lambda place: (place >> _PARTITION_BIT != partition, place), default=None)

    def _free_place(self, content: bytes, partition: int) -> int | None:
        """Return a place of that content which no output has yet, if there is one, best in the same partition."""
        known = self._places[content]
        if isinstance(known, int):
            return None if self._is_found(known) else known
        for places in (known[partition], *known.values()):
            while places:
                if not self._is_found(places[0]):
                    return places[0]
                places.popleft()
        return None

    def _named_place(self, record: Record) -> int | None:
        """Return the place that a dead letter names, None where it names none of the input."""
        added = record.headers[-len(_ERRORS) :]
        if record.topic != self._topics.dead_letter or [name for name, _ in added] != _ERRORS:
            return None
        topic, partition, offset = (value or b"" for _, value in added[:-1])
        if topic != self._topics.transactions.encode() or not (_is_number(partition) and _is_number(offset)):
            return None
        number = int(partition)
        index = self._input[number].index(int(offset)) if number in self._input else None
        return None if index is None else number << _PARTITION_BIT | index

    def _match_dead_letter(self, place: int, record: Record) -> None:
        partition, index = self._input[place >> _PARTITION_BIT], place & _INDEX
        is_whole = fingerprint(record, record.headers[: -len(_ERRORS)]) == partition.print(index)
        is_rest = record.value is None and key_hash(record) in (NO_KEY, partition.keys[index])
        if not (is_whole or (is_rest and partition.allowed[index] & SHORTENED) or self._is_found(place)):
            partition.found[index] = True
            self._offences.add(ALTERED, f"{_position(record)}, from {self._origin(place)}")
        else:
            self._match(None if self._is_found(place) else place, record)

    def _match(self, place: int | None, record: Record) -> None:
        """Settle a record of the input with that of an output; None: an output has it already."""
        if place is None:
            self._offences.add(DOUBLED, _position(record))
            return
        partition, index = self._input[place >> _PARTITION_BIT], place & _INDEX
        partition.found[index] = True
        if not partition.allowed[index] & self._destinations[record.topic]:
            self._offences.add(MISROUTED, f"{_position(record)}, from {self._origin(place)}")
        elif not self._is_in_order(place, partition.keys[index], record):
            self._offences.add(OUT_OF_ORDER, f"{_position(record)}, from {self._origin(place)}")

    def _is_in_order(self, place: int, key: int, record: Record) -> bool:
        """Tell whether what stood before it in its account stands before it there too; without a key it has none."""
        last = self._last[record.topic, record.partition, place >> _PARTITION_BIT]
        if key == NO_KEY:
            return True
        if last.get(key, -1) > place:
            return False
        last[key] = place
        return True

    def _headers_before(self, record: Record) -> Iterator[Headers]:
        """Yield what the headers may have been before the detector added its own, if it has added any."""
        first = len(record.headers)
        if record.topic == self._topics.fraud:
            while first and record.headers[first - 1][0] == _REASON:
                first -= 1
        for length in range(first, len(record.headers) + 1):
            yield record.headers[:length]

    def _tell_altered_from_foreign(self, offences: Offences) -> set[int]:
        """Count what matched nothing, and return the places of which it is the altered rest."""
        missing = self._missing_by_identity() if self._unmatched else {}
        altered = set()
        for itself, position in self._unmatched:
            if places := missing.get(itself):
                place = places.popleft()
                altered.add(place)
                offences.add(ALTERED, f"{position}, from {self._origin(place)}")
            else:
                offences.add(FOREIGN, position)
        return altered

    def _missing_by_identity(self) -> Mapping[int, deque[int]]:
        missing: defaultdict[int, deque[int]] = defaultdict(deque)
        for number, partition in self._input.items():
            for index in partition.missing():
                missing[partition.identities[index]].append(number << _PARTITION_BIT | index)
        return missing

    def _is_found(self, place: int) -> bool:
        return bool(self._input[place >> _PARTITION_BIT].found[place & _INDEX])

    def _origin(self, place: int) -> str:
        number = place >> _PARTITION_BIT
        return f"{self._topics.transactions}[{number}] offset {self._input[number].offsets[place & _INDEX]}"


def _position(record: Record) -> str:
    return f"{record.topic}[{record.partition}] offset {record.offset}"


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _MOST_DIGITS
