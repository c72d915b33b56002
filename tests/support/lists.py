"""Change sets of lists as they stand in the topic, and what they come to."""

from collections.abc import Sequence
from typing import Any

from decision.history import FORMAT, Entry
from decision.list_change import ListChange, ListChangeSet, encode
from decision.lists import ListBook
from messaging.batch import Record
from rules.list_history import ListHistory

FIRST_MS = 1_790_000_000_000


def list_set(*made: ListChange, identity: str = "", author: str = "anna") -> ListChangeSet:
    """Return a change set; without an identity it has one of its content."""
    return ListChangeSet(FORMAT, identity or repr(made), author, made)


def added(
    *members: Any, name: str = "blocked", base: int = 0, expires: str | None = None, note: str = ""
) -> ListChange:
    """Return the change that adds members."""
    return ListChange(name, base, add=members, expires=expires, note=note)


def take(book: ListBook, value: ListChangeSet | ListChange | bytes | None) -> Entry:
    """Take the next record into a book."""
    return book.take(book.version, value_of(value))


def list_book(*written: ListChangeSet | ListChange | bytes | None) -> ListBook:
    """Return the book of these records."""
    book = ListBook()
    for value in written:
        take(book, value)
    return book


def list_history(*written: ListChangeSet | ListChange | bytes | None) -> ListHistory:
    """Return the command line's history of these records, one a second."""
    history = ListHistory()
    for number, value in enumerate(written):
        history.take(Record("lists", 0, number, FIRST_MS + number * 1000, None, value_of(value), ()))
    return history


def value_of(value: ListChangeSet | ListChange | bytes | None) -> bytes | None:
    """Return a record's value; a change alone is a change set of its own."""
    made = list_set(value) if isinstance(value, ListChange) else value
    return encode(made) if isinstance(made, ListChangeSet) else made


def members_of(book: ListBook, name: str = "blocked") -> Sequence[Any]:
    """Return who is in a list."""
    return [member for member, _ in book.lists.get(name, ())]
