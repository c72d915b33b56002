"""What each record was judged with, as the notes of the detectors have it.

Of each partition the notes stand in the order in which they were written, and their offsets ascend. Where one does not,
the group's offset was set back: an epoch begins, in which records are judged once more.

A detector numbers its notes, so one that is missing is known by the next one. What it said is not; it may have been
about any partition.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from decision.history import InvalidRecord
from decision.provenance import Basis, Note, decode

_END = 2**63  # behind every offset


class Covering(NamedTuple):
    """A note, and its basis by its number.

    It is at one place of the topic; the next note of that partition is at the other.
    """

    note: Note
    basis: int
    place: int
    next_place: int


class _Last(NamedTuple):
    """The last note of a detector: its number, where it is, and what stands there."""

    number: int = 0
    place: int = -1
    value: bytes | None = None


class _Epoch:
    """Notes of a partition whose offsets ascend: these, the notes, the numbers of their bases, and their places."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.notes: list[Note] = []
        self.bases: list[int] = []
        self.places: list[int] = []


class NoteHistory:
    """Takes the records of the topic of provenance, in their order: those of a group that judges a topic.

    `bases` are all that have been noted, each once.
    """

    def __init__(self, group: str, topic: str) -> None:
        self.bases: list[Basis] = []
        self._whose = group, topic
        self._numbers: dict[bytes, int] = {}
        self._epochs: defaultdict[int, list[_Epoch]] = defaultdict(list)
        self._last: dict[str, _Last] = {}
        self._holes: list[tuple[int, int]] = []

    def take(self, place: int, value: bytes | None) -> str:
        """Take the next record, by its offset; return what is wrong with it where it cannot be understood, else ""."""
        try:
            note = decode(value)
        except InvalidRecord as error:
            self._holes.append((place - 1, place + 1))
            return str(error)
        last = self._last.get(note.detector, _Last())
        if (note.group, note.topic) == self._whose and not self._is_copy(note, value, last):
            self._last[note.detector] = _Last(note.number, place, value)
            if note.number > last.number + 1:
                self._holes.append((last.place, place))
            self._add(note, place)
        return ""

    def covering(self, partition: int, offset: int) -> Iterator[Covering]:
        """Yield under what a record may have been judged: by one note, or one for each time it may have been."""
        epochs = self._epochs.get(partition, [])
        for number, epoch in enumerate(epochs):
            index = bisect_right(epoch.offsets, offset)
            if index:
                behind = [
                    *epoch.places[index : index + 1],
                    *(later.places[0] for later in epochs[number + 1 : number + 2]),
                    _END,
                ]
                yield Covering(epoch.notes[index - 1], epoch.bases[index - 1], epoch.places[index - 1], behind[0])

    def is_certain(self, covering: Covering) -> bool:
        """Tell whether no note can be missing between that note and the next one."""
        holes = reversed(self._holes)  # mostly the last one tells
        return not any(max(begin, covering.place) < min(end, covering.next_place) for begin, end in holes)

    @staticmethod
    def _is_copy(note: Note, value: bytes | None, last: _Last) -> bool:
        """Tell whether it stands there already.

        A number may be there twice: where a detector was not told that its note has been committed.
        """
        return note.number < last.number or (note.number == last.number and value == last.value)

    def _add(self, note: Note, place: int) -> None:
        key = msgspec.json.encode(note.basis)
        number = self._numbers.setdefault(key, len(self.bases))
        if number == len(self.bases):
            self.bases.append(note.basis)
        shared = replace(note, basis=self.bases[number])
        for partition, offset in note.offsets.items():
            epochs = self._epochs[partition]
            if not epochs or offset <= epochs[-1].offsets[-1]:
                epochs.append(_Epoch())
            epochs[-1].offsets.append(offset)
            epochs[-1].notes.append(shared)
            epochs[-1].bases.append(number)
            epochs[-1].places.append(place)
