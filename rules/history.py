"""The topic of rules as far as it has been read: what holds now, and what each record has changed."""

from collections.abc import Collection
from types import MappingProxyType
from typing import NamedTuple

from decision.history import FORMAT, Entry, Fate
from decision.rulebook import NOTHING, Change, ChangeSet, Held, RuleBook, State
from messaging.batch import Record

_NO_STATE: State = MappingProxyType({})


class Event(NamedTuple):
    """A record of the topic: what became of it, its timestamp in ms since 1970, and what held before and after it.

    `before` and `after` have the rules that it touches; they are empty where it was not applied, and of lists.
    """

    entry: Entry
    timestamp: int
    before: State = _NO_STATE
    after: State = _NO_STATE

    @property
    def is_applied(self) -> bool:
        """Whether it has changed what holds."""
        return self.entry.fate is Fate.APPLIED

    @property
    def names(self) -> Collection[str]:
        """The rules, or lists, that it is about, whether it was applied or not; none where it cannot be read."""
        return [change.name for change in self.entry.change_set.changes] if self.entry.change_set else []

    @property
    def identity(self) -> str:
        """The id of its change set, an empty text where it cannot be read."""
        return self.entry.change_set.id if self.entry.change_set else ""

    @property
    def author(self) -> str | None:
        """Who has written it, None where it cannot be read."""
        return self.entry.change_set.author if self.entry.change_set else None


class History:
    """All records of the topic that have been read, in their order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._book = RuleBook()

    @property
    def version(self) -> int:
        """The offset behind the last record, 0 where there is none."""
        return self._book.version

    @property
    def now(self) -> State:
        """What holds behind it."""
        return self._book.held

    def take(self, record: Record) -> Event:
        """Take the next record of the topic."""
        held = self.now
        event = Event(self._book.take(record.offset, record.value), record.timestamp)
        if event.is_applied and event.entry.change_set:
            after = event.entry.change_set.after
            event = event._replace(before={name: held.get(name, NOTHING) for name in after}, after=after)
        self.events.append(event)
        return event

    def at(self, version: int) -> State:
        """Return what held at a version."""
        state: dict[str, Held] = {}
        for event in self.events:
            if event.entry.version <= version:
                state.update(event.after)
        return state

    def last_change(self, name: str) -> Event | None:
        """Return what has touched a name last, None where nothing has."""
        return next((event for event in reversed(self.events) if name in event.after), None)

    def change_set(self, after: State, author: str, identity: str) -> ChangeSet | None:
        """Return what leads from now to what is to hold under these names; None where it is so already."""
        changes = [
            Change(name, self._book.versions.get(name, 0), held.rule, held.candidate)
            for name, held in after.items()
            if held != self.now.get(name, NOTHING)
        ]
        return ChangeSet(FORMAT, identity, author, changes) if changes else None
