"""The ledger: records of the input as they come in, records of the outputs held against them, and what does not match.

A dead letter says in its headers which record it was, others are known by their content (inputs.py). Of each record of
the input some 250 bytes stay here, whatever its size. It is judged anew once its output is found, which has all that
the rules look at.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from copy import deepcopy

from audit.demands import Demands
from audit.findings import (
    ALTERED,
    DOUBLED,
    FOREIGN,
    LOST,
    MISROUTED,
    NOT_REPLAYABLE,
    OUT_OF_ORDER,
    Findings,
    Offences,
    Unknown,
)
from audit.inputs import Inputs
from audit.law import Destination
from audit.origins import contents_before, coordinates, without_coordinates
from audit.partition import ACCEPTABLE, FOUND, NO_KEY, REFUSABLE, UNREADABLE, fingerprint, key_hash, time_of
from audit.places import PARTITION_BIT
from audit.reading import identity
from audit.replay import FITS, Outcome, Replay
from messaging.batch import Headers, Place, Record, place_of
from messaging.settings import TopicSettings
from payments.mapping import DEFAULT_MAPPING, FieldMapping

_Before = tuple[int, int]  # of a record of the input: how many headers it had, and its fingerprint


class Ledger:
    """Takes the records of the input, then those of the outputs that follow from them, and so on.

    `is_cut` where old records are left out: then an output may follow from one of these. By the `mapping` a record that
    was altered is known again. Without a replay it is not asked where records belong.
    """

    def __init__(
        self,
        topics: TopicSettings,
        demands: Demands,
        replay: Replay | None,
        mapping: FieldMapping = DEFAULT_MAPPING,
        *,
        is_cut: bool = False,
    ) -> None:
        self._topics = topics
        self._demands = demands
        self._replay = replay
        self._mapping = mapping
        self._is_cut = is_cut
        self._destinations = dict(
            zip(topics.outputs, (Destination.FRAUD, Destination.LEGIT, Destination.DEAD_LETTER), strict=True)
        )
        self._read = Counter(dict.fromkeys(topics.all, 0))
        self._inputs = Inputs()
        self._last: defaultdict[tuple[str, int, int], dict[int, int]] = defaultdict(dict)
        self._offences = Offences()
        self._unknown: dict[str, Unknown] = {}
        self._unmatched: list[tuple[int, Place, bool]] = []

    def add_input(self, record: Record) -> None:
        """Take a record of the input; those of a partition come in their order."""
        self._read[record.topic] += 1
        kind = REFUSABLE if self._demands.may_refuse(record) else ACCEPTABLE
        self._inputs.add(record, UNREADABLE if record.problem is not None else kind, identity(record, self._mapping))

    def add_output(self, record: Record) -> None:
        """Take a record of an output, after the record of the input that it follows from."""
        self._read[record.topic] += 1
        named = coordinates(record, self._topics)
        place = None if named is None else self._inputs.named(*named)
        if place is not None:
            self._match_dead_letter(place, record)
            return
        before = self._before(record)
        if before is None:
            may_be_older = self._is_cut and (record.has_broker_time or named is not None)
            self._unmatched.append((hash(identity(record, self._mapping)), place_of(record), may_be_older))
            return
        length, content = before
        self._match(self._inputs.take(content, record), record, record.headers[length:])

    def findings(self, committed: Mapping[int, int]) -> Findings:
        """Return what has been found so far; `committed` is the group's offset in each partition of the input."""
        offences = deepcopy(self._offences)
        altered = self._tell_altered_from_foreign(offences)
        in_flight = 0
        for place in self._inputs.missing():
            origin = self._origin(place)
            if place in altered:
                continue
            if origin.offset >= committed.get(origin.partition, 0):
                in_flight += 1
            else:
                offences.add(LOST, None, origin)
        return Findings(self._read, offences, in_flight, dict(self._unknown), is_judged=self._replay is not None)

    def _before(self, record: Record) -> _Before | None:
        """Return what the record of the input was that an output follows from, None where there was none like it."""
        contents = contents_before(record, self._topics)
        known = [(length, content) for length, content in contents.items() if self._inputs.has(content, record)]
        if len(known) > 1:
            return self._likeliest(known, record)
        return known[0] if known else None

    def _likeliest(self, known: Sequence[_Before], record: Record) -> _Before:
        """Return one that is free: that to which the law adds what was added, else that to which the least was."""
        free = [(before, place) for before in known if (place := self._inputs.free(before[1], record)) is not None]
        for (length, content), place in free if self._replay else ():
            if self._outcome(place, record, record.headers[length:]) == FITS:
                return length, content
        return max((before for before, _ in free), default=known[0])

    def _match_dead_letter(self, place: int, record: Record) -> None:
        partition, index = self._inputs.at(place)
        is_whole = fingerprint(record, without_coordinates(record)) == partition.print(index)
        is_whole = is_whole and (record.has_broker_time or time_of(record) == partition.times[index])
        is_rest = record.value is None and key_hash(record) in (NO_KEY, partition.keys[index])
        if self._inputs.is_found(place):
            self._match(None, record)
        elif is_whole or (is_rest and partition.kinds[index] != ACCEPTABLE):
            self._match(self._inputs.find(place, FOUND), record)
        else:
            self._inputs.find(place, FOUND)
            self._offences.add(ALTERED, place_of(record), self._origin(place))

    def _match(self, place: int | None, record: Record, added: Headers = ()) -> None:
        """Settle a record of the input with that of an output; None: an output has it already."""
        if place is None:
            self._offences.add(DOUBLED, place_of(record))
            return
        outcome = FITS if self._replay is None else self._outcome(place, record, added)
        if outcome.kind == NOT_REPLAYABLE:
            origin = self._origin(place)
            known = self._unknown.get(outcome.cause, Unknown(0, origin))
            self._unknown[outcome.cause] = Unknown(known.verdicts + 1, min(known.first, origin))
        elif outcome.kind:
            self._offences.add(outcome.kind, place_of(record), self._origin(place))
            return
        if not self._is_in_order(place, record):
            self._offences.add(OUT_OF_ORDER, place_of(record), self._origin(place))

    def _outcome(self, place: int, record: Record, added: Headers) -> Outcome:
        """Hold an output against what its record of the input was judged with."""
        partition, index = self._inputs.at(place)
        kind, where = partition.kinds[index], self._destinations[record.topic]
        if kind != ACCEPTABLE and where is Destination.DEAD_LETTER:
            return FITS
        if kind == UNREADABLE:
            return Outcome(MISROUTED)
        came_in = Record(*self._origin(place), partition.times[index], record.key, record.value, ())
        return self._replay.outcome(came_in, where, added, may_lack_added=kind == REFUSABLE)  # type: ignore[union-attr]

    def _is_in_order(self, place: int, record: Record) -> bool:
        """Tell whether what stood before it in its account stands before it there too; without a key it has none."""
        partition, index = self._inputs.at(place)
        key = partition.keys[index]
        last = self._last[record.topic, record.partition, place >> PARTITION_BIT]
        if key == NO_KEY:
            return True
        if last.get(key, -1) > place:
            return False
        last[key] = place
        return True

    def _tell_altered_from_foreign(self, offences: Offences) -> set[int]:
        """Count what matched nothing, and return the places of which it is the altered rest."""
        missing: defaultdict[int, deque[int]] = defaultdict(deque)
        for place in self._inputs.missing() if self._unmatched else ():
            partition, index = self._inputs.at(place)
            missing[partition.identities[index]].append(place)
        altered = set()
        for itself, position, may_be_older in self._unmatched:
            if missing.get(itself):
                place = missing[itself].popleft()
                altered.add(place)
                offences.add(ALTERED, position, self._origin(place))
            elif not may_be_older:
                offences.add(FOREIGN, position)
        return altered

    def _origin(self, place: int) -> Place:
        partition, index = self._inputs.at(place)
        return Place(self._topics.transactions, place >> PARTITION_BIT, partition.offsets[index])
