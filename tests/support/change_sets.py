"""Change sets of rules, and histories of them, written by hand."""

from collections.abc import Mapping
from typing import NamedTuple

from audit.history import History
from decision.rule import Rule
from decision.rulebook import Change, ChangeSet, encode
from messaging.batch import Record

_NONE: Mapping[str, Rule] = {}


class Changes(NamedTuple):
    """What is to hold under names, each named for the first time, from a time in ms since the epoch on."""

    rules: Mapping[str, Rule | None]
    candidates: Mapping[str, Rule]
    at: int
    base: int

    def change_set(self, mark: object) -> ChangeSet:
        """Return the change set; two with one mark are the same, the second void."""
        names = dict.fromkeys([*self.rules, *self.candidates])
        made = [Change(name, self.base, self.rules.get(name), self.candidates.get(name)) for name in names]
        return ChangeSet(1, str(mark), "somebody", made)

    def value(self, mark: object) -> bytes:
        """Return it as it stands in the topic."""
        return encode(self.change_set(mark))

    def record(self, offset: int) -> Record:
        """Return the record that has it in the topic of rules."""
        return Record("rules", 0, offset, self.at, None, self.value(offset), ())


def changes(
    *rules: tuple[str, Rule | None], candidates: Mapping[str, Rule] = _NONE, at: int = 0, base: int = 0
) -> Changes:
    """Return changes; with a base, those names were changed last at that version."""
    return Changes(dict(rules), candidates, at, base)


def history_of(*made: Changes) -> History:
    """Return a history of these, all of which are valid."""
    history = History()
    for offset, each in enumerate(made):
        assert not history.take(each.record(offset))
    return history
