"""Histories of rules, made of change sets as they would stand in the topic."""

from collections.abc import Sequence

from decision.rulebook import FORMAT, Change, ChangeSet, encode
from messaging.batch import Record
from rules.history import History

FIRST_MS = 1_790_000_000_000


def change_set(*changes: Change, identity: str = "", author: str = "anna") -> ChangeSet:
    """Return a change set; without an identity it has one of its content."""
    return ChangeSet(FORMAT, identity or repr(changes), author, changes)


def history(*written: ChangeSet | bytes | None) -> History:
    """Return the history of change sets, and of other values, one a second."""
    made = History()
    for value in written:
        made.take(record(made.version, encode(value) if isinstance(value, ChangeSet) else value))
    return made


def record(offset: int, value: bytes | None) -> Record:
    """Return the topic's record at an offset."""
    return Record("rules", 0, offset, FIRST_MS + offset * 1000, None, value, ())


def lines(text: str) -> Sequence[str]:
    """Return lines of text with their columns one blank apart."""
    return [" ".join(line.split()) for line in text.splitlines()]
