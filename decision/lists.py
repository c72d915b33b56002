"""Lists of accounts and other values, as their history has them: change sets that add members and remove them.

They are changed in place: what a change costs depends on how many members it names, not on how many there are.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from decision.history import Entry, Fate, Reading, outdated, repeated, taken
from decision.list_change import ListChange, ListChangeSet, decode, problems, time_of
from decision.members import Member, key_of, keys_of, member_of, written

MOST_LISTS = 1_000
MOST_SHOWN = 5


class Membership(NamedTuple):
    """What is known of a member: since which version it is so, until which time, and a note; or that it was removed."""

    version: int
    is_in: bool = True
    expires: datetime | None = None
    note: str = ""


class MemberList:
    """A list: each value that was ever named since it was cleared last, and the versions of its changes."""

    def __init__(self) -> None:
        self.members: dict[object, Membership] = {}
        self.changed = 0
        self._cleared = 0

    def __iter__(self) -> Iterator[tuple[Member, Membership]]:
        """Yield those who are in it, whether they have expired or not, in the order in which they came."""
        return ((member_of(key), found) for key, found in self.members.items() if found.is_in)

    def find(self, value: object) -> Membership | None:
        """Return what is known of a value, None where it is not in the list."""
        found = self.members.get(value if type(value) is str else key_of(value))
        return found if found is not None and found.is_in else None

    def changed_since(self, base: int, members: Sequence[Any]) -> Sequence[Member]:
        """Return those of the members that were changed after a version."""
        if self._cleared > base:
            return members
        keys = keys_of(members)
        if self.members.keys().isdisjoint(keys):
            return ()
        at = ((member, self.members.get(key)) for member, key in zip(members, keys, strict=True))
        return [member for member, found in at if found is not None and found.version > base]

    def change(self, change: ListChange, version: int) -> None:
        """Do what a change says."""
        self.changed = version
        if change.clear:
            self.members.clear()
            self._cleared = version
        if change.remove:
            self.members.update(dict.fromkeys(keys_of(change.remove), Membership(version, is_in=False)))
        if change.add:
            new = Membership(version, expires=time_of(change.expires), note=change.note)
            self.members.update(dict.fromkeys(keys_of(change.add), new))


class ListBook:
    """All lists by their names."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.lists: dict[str, MemberList] = {}
        self._applied: dict[str, int] = {}

    def __str__(self) -> str:
        """Return how many lists there are."""
        return "1 list" if len(self.lists) == 1 else f"{len(self.lists):,} lists"

    @property
    def version(self) -> int:
        """The offset behind the last record that was taken; 0 is the empty book."""
        return self.reading.version

    def find(self, name: str, value: object) -> Membership | None:
        """Return what is known of a value in a list, None where it is not in it."""
        named = self.lists.get(name)
        return None if named is None else named.find(value)

    def is_empty(self, name: str) -> bool:
        """Tell whether nobody is in a list, or there is none; members that have expired count."""
        return next(iter(self.lists.get(name, ())), None) is None

    def take(self, offset: int, value: bytes | None) -> Entry:
        """Take the record at an offset, and return what became of it."""
        self.reading = self.reading.after(offset, value)
        return taken(self.version, value, decode, self._judged, self._apply)

    def _apply(self, change_set: ListChangeSet) -> None:
        self._applied[change_set.id] = self.version
        for change in change_set.changes:
            self.lists.setdefault(change.name, MemberList()).change(change, self.version)

    def _judged(self, change_set: ListChangeSet) -> tuple[Fate, str]:
        if change_set.id in self._applied:
            return Fate.REPEATED, repeated(self._applied[change_set.id])
        problem = self.problem(change_set)
        if problem:
            return Fate.INVALID, problem
        ahead = [change.base for change in change_set.changes if change.base >= self.version]
        if ahead:
            return Fate.INVALID, f"it starts from version {max(ahead)}, which there was not yet"
        changed_since = [name for change in change_set.changes for name in self._outdated(change)]
        return (Fate.OUTDATED, outdated(changed_since)) if changed_since else (Fate.APPLIED, "")

    def problem(self, change_set: ListChangeSet) -> str:
        """Return in one line why a change set is not allowed here, an empty text where it is."""
        new = {change.name for change in change_set.changes if change.name not in self.lists}
        too_many = f"more than {MOST_LISTS:,} lists" if len(new) + len(self.lists) > MOST_LISTS else ""
        return next(problems(change_set), too_many)

    def _outdated(self, change: ListChange) -> Collection[str]:
        """Return what has been changed since the version that a change starts from, the first few of it."""
        named = self.lists.get(change.name)
        if named is None or named.changed <= change.base:
            return ()
        if change.clear:
            return [change.name]
        members = named.changed_since(change.base, (*change.add, *change.remove))
        return [f"{written(member)} in {change.name}" for member in members[:MOST_SHOWN]]


NO_LISTS = ListBook()  # of which all are empty
