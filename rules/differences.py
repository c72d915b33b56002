"""How two states of the rules differ, in words."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from decision.rule import Rule
from decision.rulebook import NOTHING, State
from decision.verdict import candidate_label
from rules.history import Event
from rules.text import aligned, as_time, one_line

SHOWN_FIELDS = (*(field for field in Rule.__struct_fields__ if field != "when"), "when")  # the longest one last
_INDENT = "  "


class Difference(NamedTuple):
    """What is different about a rule, or about a candidate, which is labelled so."""

    label: str
    text: str


def differences(before: State, after: State) -> Sequence[Difference]:
    """Return what is different under the names of `after`, in their order."""
    return [found for name in after for found in _of_name(name, before, after)]


def shown(before: State, after: State) -> str:
    """Return the differences as indented lines."""
    return aligned([(found.label, found.text) for found in differences(before, after)], _INDENT)


def shown_event(event: Event) -> str:
    """Return who did it, when, and what that changed, or why it changed nothing."""
    return told(event, shown(event.before, event.after))


def told(event: Event, changed: str) -> str:
    """Return who did it, when, and these lines of what was changed, or why nothing was."""
    author = "unknown" if event.author is None else one_line(event.author)
    headline = f"version {event.entry.version}  {as_time(event.timestamp)}  {author}"
    if event.is_applied:
        return f"{headline}\n{changed}"
    return f"{headline}\n{_INDENT}{event.entry.fate.value}: {one_line(event.entry.problem)}"


def described(rule: Rule, *, is_candidate: bool = False) -> str:
    """Return a rule in one line: live, 100 points: amount > 900."""
    parts = [] if is_candidate else [str(rule.mode)]
    parts.append(f"{_bracketed(rule.points)} points")
    if rule.share != "100":
        parts.append(f"{rule.share} % of accounts")
    note = f"  ({one_line(rule.note)})" if rule.note else ""
    return f"{', '.join(parts)}: {one_line(rule.when)}{note}"


def _of_name(name: str, before: State, after: State) -> Iterator[Difference]:
    old, new = before.get(name, NOTHING), after[name]
    yield from _of_rule(name, old.rule, new.rule, is_candidate=False)
    yield from _of_rule(candidate_label(name), old.candidate, new.candidate, is_candidate=True)


def _of_rule(label: str, old: Rule | None, new: Rule | None, *, is_candidate: bool) -> Iterator[Difference]:
    if old is not None and new is not None:
        yield from _of_fields(label, old, new)
    elif new is not None:
        yield Difference(label, f"new: {described(new, is_candidate=is_candidate)}")
    elif old is not None:
        yield Difference(label, f"removed; it was {described(old, is_candidate=is_candidate)}")


def _of_fields(label: str, old: Rule, new: Rule) -> Iterator[Difference]:
    for field in SHOWN_FIELDS:
        was, becomes = getattr(old, field), getattr(new, field)
        if was != becomes:
            yield Difference(label, f"{field}: {_value(was)} -> {_value(becomes)}")


def _bracketed(points: str) -> str:
    return points if points.isalnum() else f"({one_line(points)})"


def _value(text: str) -> str:
    return one_line(text) or "(none)"
