"""Which groups have noted what a record of the input was judged with. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from decision.history import InvalidRecord
from decision.provenance import Note, decode
from messaging.batch import Place, Record


def groups_noted(records: Iterable[Record], place: Place) -> Sequence[str]:
    """Return the groups of which a note among these records holds for that place, each once."""
    return [*dict.fromkeys(note.group for note in _notes(records) if _holds(note, place))]


def _notes(records: Iterable[Record]) -> Iterator[Note]:
    for record in records:
        with suppress(InvalidRecord):
            yield decode(record.value)


def _holds(note: Note, place: Place) -> bool:
    return note.topic == place.topic and note.offsets.get(place.partition, place.offset + 1) <= place.offset
