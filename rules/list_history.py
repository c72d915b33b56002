"""The topic of lists as far as it has been read, and the change sets that lead on from there. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches

from msgspec.structs import replace

from decision.history import FORMAT
from decision.list_change import ListChange, ListChangeSet, encode, time_of
from decision.lists import ListBook, MemberList, Membership
from messaging.batch import Record
from rules.changes import NotPossible
from rules.history import Event

MOST_MEMBERS = 10_000  # of a change set; to take one up, a detector stops judging for some milliseconds
_MOST_BYTES = 500_000


class ListHistory:
    """All records of the topic that have been read, in their order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.book = ListBook()

    @property
    def version(self) -> int:
        """The offset behind the last record, 0 where there is none."""
        return self.book.version

    def take(self, record: Record) -> Event:
        """Take the next record of the topic."""
        event = Event(self.book.take(record.offset, record.value), record.timestamp)
        self.events.append(event)
        return event

    def named(self, name: str) -> MemberList:
        """Return the list of that name. Raises NotPossible where there is none."""
        if name not in self.book.lists:
            near = get_close_matches(name, self.book.lists, 1)
            raise NotPossible(f"there is no list {name}" + (f"; did you mean {near[0]}?" if near else ""))
        return self.book.lists[name]

    def adding(self, wanted: ListChange) -> ListChange:
        """Return the change from here on; members that are in already with that expiry and note are left out of it.

        Raises NotPossible where it is not allowed.
        """
        problem = self.book.problem(ListChangeSet(FORMAT, "", "", [wanted]))
        if problem:
            raise NotPossible(problem)
        known, expires = self.book.lists.get(wanted.name, MemberList()), time_of(wanted.expires)
        found = ((member, known.find(member)) for member in wanted.add)
        new = [member for member, membership in found if not _is_so(membership, expires, wanted.note)]
        return replace(wanted, base=self.version, add=new)

    def removing(self, wanted: ListChange) -> ListChange:
        """Return the change from here on; who is not in the list is left out of it. Raises NotPossible."""
        known = self.named(wanted.name)
        return replace(wanted, base=self.version, remove=[each for each in wanted.remove if known.find(each)])

    def clearing(self, name: str) -> ListChange:
        """Return the change after which nobody is in a list. Raises NotPossible where there is none."""
        self.named(name)
        return ListChange(name, self.version, clear=not self.book.is_empty(name))


def change_sets(change: ListChange, author: str, identity: str, most_bytes: int) -> Sequence[ListChangeSet]:
    """Return a change as change sets, each well below so many bytes where that can be; none where it says nothing.

    Their ids begin with `identity`.
    """
    parts = [part for each in _batches(change) for part in _fitting(each, min(_MOST_BYTES, most_bytes // 2))]
    return [ListChangeSet(FORMAT, f"{identity}-{number}", author, [part]) for number, part in enumerate(parts)]


def _batches(change: ListChange) -> Iterator[ListChange]:
    """Yield a change in parts of few enough members."""
    if change.clear:
        yield change
    for start in range(0, max(len(change.add), len(change.remove)), MOST_MEMBERS):
        within = slice(start, start + MOST_MEMBERS)
        yield replace(change, add=change.add[within], remove=change.remove[within])


def _fitting(change: ListChange, most_bytes: int) -> Sequence[ListChange]:
    """Return a change halved until each part is small enough, or has one member."""
    middle = max(len(change.add), len(change.remove)) // 2
    if not middle or len(encode(ListChangeSet(FORMAT, "", "", [change]))) <= most_bytes:
        return [change]
    first = replace(change, add=change.add[:middle], remove=change.remove[:middle])
    second = replace(change, add=change.add[middle:], remove=change.remove[middle:])
    return [*_fitting(first, most_bytes), *_fitting(second, most_bytes)]


def _is_so(found: Membership | None, expires: datetime | None, note: str) -> bool:
    return found is not None and found.expires == expires and found.note == note
