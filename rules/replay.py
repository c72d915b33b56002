"""What a record was judged with, as far as it can be had here again, to judge the record once more. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from decision.asked_rule import lists_named
from decision.code_rules import CodeRule
from decision.decision import Decision
from decision.history import Book, Reading
from decision.lists import NO_LISTS, ListBook
from decision.provenance import PRODUCT, TIME_ZONES, Basis, DecisionSettings
from decision.rule import Rule
from decision.rulebook import Held, RuleBook
from decision.ruleset import asked_of
from messaging.batch import Record
from runtime.users_code import file_digest

B = TypeVar("B", bound=Book)


class NotReplayable(Exception):
    """Something that was judged with and cannot be had here again; the message says why."""


class Missing(NamedTuple):
    """A rule that cannot be asked, and its kind: live, shadow, candidate, or code."""

    rule: str
    kind: str


class Replay(NamedTuple):
    """What records are judged with here; `missing` are rules that cannot be asked.

    `gaps` say in a line each what cannot be had again. `has_settings` and `has_rules` are False where it is not known
    which there were, `has_lists` where no rule can be asked that names a list.
    """

    settings: DecisionSettings
    rules: RuleBook
    lists: ListBook = NO_LISTS
    code_rules: Sequence[CodeRule] = ()
    has_settings: bool = True
    has_rules: bool = True
    has_lists: bool = True
    missing: Sequence[Missing] = ()
    gaps: Sequence[str] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every rule can be asked that counts for the verdict."""
        return self.has_rules and not any(missing.kind in ("live", "code") for missing in self.missing)

    def decision(self, *, keeps_json: bool = False) -> Decision:
        """Return how records are judged with it; with `keeps_json` they can be asked for more than its rules ask."""
        decision = Decision(self.settings, self.code_rules, keeps_json=keeps_json)
        decision.take_up(self.rules, self.lists)
        return decision


def book_up_to(book: B, records: Iterable[Record], noted: Reading | None) -> B:
    """Return a book with all records taken, which are those up to a version that was noted.

    Raises NotReplayable where the topic has another history by now.
    """
    for record in records:
        book.take(record.offset, record.value)
    if noted is not None and book.reading != noted:
        raise NotReplayable(f"its history is another one by now than that of the version {noted.version} noted")
    return book


def with_code_rules(
    replay: Replay, basis: Basis, own: Sequence[CodeRule], why_none: str = "FRAUD_RULES does not name it here"
) -> Replay:
    """Return a replay with those of one's own rules of code that are the noted ones: of the same name and file.

    `why_none` says why one is not among one's own.
    """
    found = {(rule.name, file_digest(rule.check)): rule for rule in own}
    names = {rule.name for rule in own}
    known, missing, gaps = [], [*replay.missing], [*replay.gaps]
    for source in basis.code_rules:
        rule = found.get((source.rule, source.digest)) if source.digest else None
        if rule is not None:
            known.append(rule)
            continue
        missing.append(Missing(source.rule, "code"))
        why = _why_another(source.digest) if source.rule in names else why_none
        gaps.append(f"the rule of code {source.rule}: {why}")
    return replay._replace(code_rules=known, missing=missing, gaps=gaps)


def without_lists(replay: Replay, why: str) -> Replay:
    """Return a replay in which no rule is asked that names a list."""
    asking = [Missing(asked.label, asked.kind) for asked in asked_of(replay.rules.held) if lists_named([asked.rule])]
    book = RuleBook()
    book.reading, book.held = replay.rules.reading, {name: _without(held) for name, held in replay.rules.held.items()}
    gaps = [*replay.gaps, why]
    return replay._replace(rules=book, has_lists=False, missing=[*replay.missing, *asking], gaps=gaps)


def differences(basis: Basis) -> Sequence[str]:
    """Return what may make a replay come out otherwise, in a line each."""
    differing = [("the product", basis.product, PRODUCT), ("tzdata", basis.time_zones, TIME_ZONES)]
    return [f"{what} was {then}, and is {now} here" for what, then, now in differing if then != now]


def _without(held: Held) -> Held:
    """Return what is left under a name without rules that ask a list; what is off keeps a setting's rule away."""
    rule = Rule("amount < 0", mode="off") if held.rule and lists_named([held.rule]) else held.rule
    return Held(rule, None if held.candidate and lists_named([held.candidate]) else held.candidate)


def _why_another(digest: str) -> str:
    return "its file is another one by now" if digest else "of which file it was is not noted"
