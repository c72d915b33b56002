"""The rules as their history has them: change sets, taken one after the other, each valid or void as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from decision.history import Entry, Fate, InvalidRecord, Reading, decoded, outdated, repeated, taken
from decision.rule import InvalidRule, Rule, raise_if_invalid
from decision.source import InvalidExpression

MOST_RULES = 500
MOST_CHARACTERS = 200_000  # of all expressions together: they compile in a second or so


class Held(NamedTuple):
    """What holds under a name: a rule, a candidate for its place, both, or neither."""

    rule: Rule | None = None
    candidate: Rule | None = None


NOTHING = Held()
State = Mapping[str, Held]  # by the rules' names; those under which nothing holds may be left out


class Change(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to hold under a name: a rule, a candidate for its place beside it, or neither.

    `base` is the version at which that name was changed last, 0 where it never was.
    """

    name: str
    base: int
    rule: Rule | None = None
    candidate: Rule | None = None


class ChangeSet(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes that hold together; `id` is made once, so that a repetition is known."""

    format: int
    id: str
    author: str
    changes: Sequence[Change]

    @property
    def after(self) -> State:
        """What is to hold under each name that it changes."""
        return {change.name: Held(change.rule, change.candidate) for change in self.changes}


class RuleBook:
    """What holds under each name, NOTHING left out, and the version at which each name was changed last.

    `held` is never changed, but replaced.
    """

    def __init__(self) -> None:
        self.reading = Reading()
        self.held: State = {}
        self.versions: dict[str, int] = {}
        self._applied: dict[str, int] = {}

    def take(self, offset: int, value: bytes | None) -> Entry:
        """Take the record at an offset, and return what became of it."""
        self.reading = self.reading.after(offset, value)
        return taken(self.version, value, decode, self._judged, self._apply)

    @property
    def version(self) -> int:
        """The offset behind the last record that was taken; 0 is the empty book."""
        return self.reading.version

    def outdated(self, change_set: ChangeSet) -> Sequence[str]:
        """Return the names that have been changed since the versions that a change set starts from."""
        return [change.name for change in change_set.changes if self.versions.get(change.name, 0) != change.base]

    def _judged(self, change_set: ChangeSet) -> tuple[Fate, str]:
        if change_set.id in self._applied:
            return Fate.REPEATED, repeated(self._applied[change_set.id])
        changed_since = self.outdated(change_set)
        if changed_since:
            return Fate.OUTDATED, outdated(changed_since)
        problem = problem_with_size(changed(self.held, change_set.after)) or next(_not_allowed(change_set), "")
        return (Fate.INVALID if problem else Fate.APPLIED), problem

    def _apply(self, change_set: ChangeSet) -> None:
        self._applied[change_set.id] = self.version
        self.held = changed(self.held, change_set.after)
        self.versions.update(dict.fromkeys(change_set.after, self.version))


def changed(state: State, after: State) -> State:
    """Return what holds once this holds after it; names under which nothing does are left out."""
    return {name: held for name, held in {**state, **after}.items() if held != NOTHING}


def problem_with_size(state: State) -> str | None:
    """Return why there are too many rules, None where there are not."""
    if len(state) > MOST_RULES:
        return f"more than {MOST_RULES} rules"
    rules = [rule for held in state.values() for rule in held if rule is not None]
    if sum(len(rule.when) + len(rule.points) for rule in rules) > MOST_CHARACTERS:
        return f"all rules together have more than {MOST_CHARACTERS:,} characters"
    return None


def with_defaults(state: State, defaults: Mapping[str, Rule]) -> State:
    """Return what holds, with the rules that settings give, first, where there is none of their name."""
    given = {name: Held(rule) for name, rule in defaults.items()}
    return given | {name: Held(held.rule or defaults.get(name), held.candidate) for name, held in state.items()}


def encode(change_set: ChangeSet) -> bytes:
    """Return a change set as it stands in the topic: JSON."""
    return msgspec.json.encode(change_set)


def decode(value: bytes | None) -> ChangeSet:
    """Return the change set of a record, whose rules need not be allowed. Raises InvalidRecord."""
    change_set = decoded(value, _decode)
    names = [change.name for change in change_set.changes]
    if len(set(names)) < len(names):
        raise InvalidRecord("it changes one rule twice")
    return change_set


def _not_allowed(change_set: ChangeSet) -> Iterator[str]:
    """Yield what is wrong with its rules, in one line each."""
    for name, held in change_set.after.items():
        for rule in held:
            try:
                raise_if_invalid(name, rule)
            except (InvalidRule, InvalidExpression) as error:
                yield f"{name}: {_in_one_line(error)}"


def _in_one_line(error: InvalidRule | InvalidExpression) -> str:
    return error.problem if isinstance(error, InvalidExpression) else str(error)


_decode = msgspec.json.Decoder(ChangeSet).decode
