"""The rules as their history has them: change sets, taken one after the other, each valid or void as a whole.

A change set says of each rule that it touches what is to hold under its name, and which version of that it starts from.
Where somebody else has changed one of them meanwhile, the set is void. So nobody overwrites what he has not seen, and
every reader comes to the same rules, as long as all run the same edition of this program and of tzdata, whose zones a
rule may name.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from decision.rule import InvalidRule, Rule, raise_if_invalid
from decision.source import InvalidExpression

FORMAT = 1
MOST_RULES = 500
MOST_CHARACTERS = 200_000  # of all expressions together: they compile in a second or so
_MOST_BYTES = 2_000_000  # of a record


class InvalidChangeSet(Exception):
    """Bytes that are no change set; the message says why."""


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


class Fate(Enum):
    """What became of a record of the history."""

    APPLIED = "applied"
    REPEATED = "repeated"  # as the same change set stands before it
    OUTDATED = "outdated"  # as somebody else had changed one of its rules meanwhile
    INVALID = "invalid"


class Entry(NamedTuple):
    """A record of the history: the version that follows it, and what became of it.

    `problem` says why it was not applied; `change_set` is None where it cannot be read.
    """

    version: int
    fate: Fate
    change_set: ChangeSet | None
    problem: str = ""


class RuleBook:
    """What holds under each name, NOTHING left out, and the version at which each name was changed last.

    `held` is never changed, but replaced. A version is the offset behind the last record that was taken; 0 is the empty
    book.
    """

    def __init__(self) -> None:
        self.version = 0
        self.held: State = {}
        self.versions: dict[str, int] = {}
        self._applied: dict[str, int] = {}

    def take(self, offset: int, value: bytes | None) -> Entry:
        """Take the record at an offset, and return what became of it."""
        self.version = offset + 1
        try:
            change_set = decode(value)
        except InvalidChangeSet as error:
            return Entry(self.version, Fate.INVALID, None, str(error))
        fate, problem = self._judged(change_set)
        if fate is Fate.APPLIED:
            self._apply(change_set)
        return Entry(self.version, fate, change_set, problem)

    def outdated(self, change_set: ChangeSet) -> Sequence[str]:
        """Return the names that have been changed since the versions that a change set starts from."""
        return [change.name for change in change_set.changes if self.versions.get(change.name, 0) != change.base]

    def _judged(self, change_set: ChangeSet) -> tuple[Fate, str]:
        if change_set.id in self._applied:
            return Fate.REPEATED, f"it is version {self._applied[change_set.id]} already"
        outdated = self.outdated(change_set)
        if outdated:
            return Fate.OUTDATED, f"changed by somebody else meanwhile: {', '.join(outdated)}"
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
    """Return the change set of a record, whose rules need not be allowed. Raises InvalidChangeSet."""
    if value and len(value) > _MOST_BYTES:
        raise InvalidChangeSet(f"{len(value):,} bytes, more than {_MOST_BYTES:,}")
    _raise_if_newer(value or b"")
    try:
        change_set = _decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidChangeSet(f"not a change set: {error}") from None
    names = [change.name for change in change_set.changes]
    if len(set(names)) < len(names):
        raise InvalidChangeSet("it changes one rule twice")
    return change_set


def _raise_if_newer(value: bytes) -> None:
    try:
        written = _decode_format(value).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # of what kind it is will be said by who reads all of it
    if written != FORMAT:
        raise InvalidChangeSet(f"written in format {written} by another version of this program, which knows {FORMAT}")


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


class _Format(Struct):
    format: int


_decode = msgspec.json.Decoder(ChangeSet).decode
_decode_format = msgspec.json.Decoder(_Format).decode
