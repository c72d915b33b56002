"""Change sets of rules as they stand in the topic, and what they come to: books and histories."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import rules.history
from decision.history import FORMAT
from decision.rule import Rule
from decision.rulebook import Change, ChangeSet, RuleBook, encode
from messaging.batch import Message, Record
from tests.support.topics import Names, write

FIRST_MS = 1_790_000_000_000
_NONE: Mapping[str, Rule] = {}


def change_set(*made: Change, identity: str = "", author: str = "anna") -> ChangeSet:
    """Return a change set; without an identity it has one of its content."""
    return ChangeSet(FORMAT, identity or repr(made), author, made)


def record(offset: int, value: bytes | None, at: int) -> Record:
    """Return the topic's record at an offset, with a time in ms since the epoch."""
    return Record("rules", 0, offset, at, None, value, ())


def book_of(*made: Change, book: RuleBook | None = None) -> RuleBook:
    """Return a book with changes, taken together behind what it has."""
    book = book or RuleBook()
    book.take(book.version, encode(change_set(*made)))
    return book


def history(*written: ChangeSet | bytes | None) -> rules.history.History:
    """Return the command line's history of change sets, and of other values, one a second."""
    made = rules.history.History()
    for value in written:
        encoded = encode(value) if isinstance(value, ChangeSet) else value
        made.take(record(made.version, encoded, FIRST_MS + made.version * 1000))
    return made


class Changes(NamedTuple):
    """What is to hold under names, each named for the first time, from a time in ms since the epoch on."""

    rules: Mapping[str, Rule | None]
    candidates: Mapping[str, Rule]
    at: int
    base: int

    def change_set(self, mark: object) -> ChangeSet:
        """Return the change set; two with one mark are the same, the second void."""
        names = dict.fromkeys([*self.rules, *self.candidates])
        made = (Change(name, self.base, self.rules.get(name), self.candidates.get(name)) for name in names)
        return change_set(*made, identity=str(mark))

    def value(self, mark: object) -> bytes:
        """Return it as it stands in the topic."""
        return encode(self.change_set(mark))

    def record(self, offset: int) -> Record:
        """Return the record that has it in the topic of rules."""
        return record(offset, self.value(offset), self.at)


def changes(
    *made: tuple[str, Rule | None], candidates: Mapping[str, Rule] = _NONE, at: int = 0, base: int = 0
) -> Changes:
    """Return changes; with a base, those names were changed last at that version."""
    return Changes(dict(made), candidates, at, base)


def change(servers: str, names: Names, rule: str, base: int = 0, **said: Any) -> None:
    """Write a change set of one rule; without anything said it is removed."""
    write(servers, [change_message(names.rules, {"name": rule, "base": base, **({"rule": said} if said else {})})])


def change_message(topic: str, *made: Mapping[str, Any], identity: str = "") -> Message:
    """Return the record of a change set, whose JSON is written by hand."""
    written = {"format": 1, "id": identity or uuid.uuid4().hex, "author": "the test", "changes": made}
    return Message(topic, None, json.dumps(written).encode(), (), 0, 0)
