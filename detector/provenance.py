"""Notes what records are judged with, in the Kafka transaction of their verdicts.

That is done for the first records of a partition that has been gained, and again whenever something has changed.
"""

import uuid
from collections.abc import Sequence

from decision.history import FORMAT
from decision.provenance import Basis, Note, differences, encode
from messaging.batch import Batch, Message
from runtime.timing import now_ms


class Provenance:
    """Knows which partitions have been noted; `topic` is where notes are written, `source` that of the transactions."""

    def __init__(self, topic: str, group: str, source: str, basis: Basis) -> None:
        self._topic = topic
        self._group = group
        self._source = source
        self._detector = uuid.uuid4().hex
        self._count = 0
        self._basis = basis
        self._unnoted: set[int] = set()
        self._assigned: set[int] = set()
        self._in_hand: set[int] = set()

    def judge_with(self, basis: Basis) -> None:
        """Take note of what is judged with from now on."""
        if basis != self._basis:
            self._basis = basis
            self._unnoted = set(self._assigned)

    def change(self, batch: Batch) -> None:
        """Follow which partitions are lost and gained, and in which one offsets begin anew: that is another topic."""
        self._assigned -= set(batch.lost)
        self._unnoted -= set(batch.lost)
        self._assigned |= set(batch.gained)
        self._unnoted |= set(batch.gained) | set(batch.skipped)

    def notes(self, batch: Batch) -> Sequence[Message]:
        """Return what is to be committed with a batch: a note, where its records are the first of their kind."""
        self._in_hand = {record.partition for record in batch.records} & self._unnoted if self._unnoted else set()
        if not self._in_hand:
            return ()
        first = batch.first_offsets()
        offsets = {partition: first[partition] for partition in sorted(self._in_hand)}
        note = Note(FORMAT, self._group, self._source, self._detector, self._count + 1, offsets, self._basis)
        return (Message(self._topic, None, encode(note), (), now_ms(), 0),)

    def committed(self) -> None:
        """Take note that the last batch, with its notes, has been committed."""
        self._count += bool(self._in_hand)
        self._unnoted -= self._in_hand
        self._in_hand = set()

    def compare(self, note: Note) -> Sequence[str]:
        """Return in words what another detector of the group judges with differently."""
        is_another = note.detector != self._detector and (note.group, note.topic) == (self._group, self._source)
        return differences(self._basis, note.basis) if is_another else ()
