"""The lists as they were at each version: of each member it is kept when it came and when it went."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from decision.history import Fate, Reading
from decision.list_change import ListChange
from decision.lists import ListBook
from messaging.batch import Record

_KINDS: Mapping[type, str] = {bool: "truth value", int: "number", Decimal: "number", str: "text"}
_Key = tuple[str, object]


class Spell(NamedTuple):
    """What became of a member with the change of that number: it is in until some time, or out."""

    change: int
    is_in: bool
    expires: datetime | None = None


class ListHistory:
    """All spells of each member of a list, and the numbers of the changes that cleared it."""

    def __init__(self) -> None:
        self._spells: dict[_Key, list[Spell]] = {}
        self._cleared: list[int] = []

    def add(self, number: int, change: ListChange) -> None:
        """Take the next change of the list: all go, then some, then others come."""
        if change.clear:
            self._cleared.append(number)
        for member in change.remove:
            self._append(member, Spell(number, is_in=False))
        expires = None if change.expires is None else datetime.fromisoformat(change.expires)
        for member in change.add:
            self._append(member, Spell(number, is_in=True, expires=expires))

    def find(self, value: object, last: int) -> Spell | None:
        """Return by which change a value came in that is in after the change of that number."""
        spells = self._spells.get(_key(value), [])
        index = bisect_right(spells, last, key=itemgetter(0))
        spell = spells[index - 1] if index else None
        cleared = bisect_right(self._cleared, last)
        if spell is None or (cleared and self._cleared[cleared - 1] > spell.change):
            return None
        return spell if spell.is_in else None

    def _append(self, member: object, spell: Spell) -> None:
        self._spells.setdefault(_key(member), []).append(spell)


class ListsAt(NamedTuple):
    """All lists as they were after so many changes."""

    lists: Mapping[str, ListHistory] = MappingProxyType({})
    changes: int = 0

    def find(self, name: str, value: object) -> Spell | None:
        """Return what is known of a value in a list, None where it is not in it."""
        found = self.lists.get(name)
        return None if found is None else found.find(value, self.changes)


NO_LISTS = ListsAt()


class ListsHistory:
    """Takes the records of the topic of lists, in their order."""

    def __init__(self) -> None:
        self._book = ListBook()
        self._lists: dict[str, ListHistory] = {}
        self._count = 0
        self._versions = {Reading(): NO_LISTS}

    def take(self, record: Record) -> str:
        """Take the next record; return what is wrong with it where it cannot be understood, else ""."""
        entry = self._book.take(record.offset, record.value)
        for change in entry.change_set.changes if entry.fate is Fate.APPLIED else ():
            self._count += 1
            self._lists.setdefault(change.name, ListHistory()).add(self._count, change)
        self._versions[self._book.reading] = ListsAt(self._lists, self._count)
        return entry.problem if entry.fate is Fate.INVALID else ""

    def at(self, reading: Reading) -> ListsAt | None:
        """Return the lists as who had read so far knew them; None where that was another topic than this one."""
        return self._versions.get(reading)


def _key(value: object) -> _Key:
    """Return as what a value is looked up: 1, "1" and true are three, 1 and 1.0 one; lists and objects are in none."""
    kind = _KINDS.get(type(value))
    return ("none", None) if kind is None else (kind, value)
