"""The rules as tables for people, and as data for programs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from decision.history import Entry, Fate
from decision.rule import Rule
from decision.rulebook import NOTHING, Held, State
from decision.verdict import candidate_label
from rules.differences import SHOWN_FIELDS, shown_event
from rules.history import Event, History
from rules.text import aligned, as_time, one_line

_HEAD = ("NAME", "MODE", "POINTS", "SHARE", "VERSION", "NOTE", "WHEN")
_BELOW = "  candidate"
_GIVEN = "given by FRAUD_THRESHOLD"
_LONGEST_NOTE, _LONGEST_POINTS, _LONGEST_WHEN = 40, 20, 200


def table(history: History, now: State) -> str:
    """Return the rules, each candidate below its rule, and the records that could not be understood."""
    rows = [row for name in sorted(now) for row in _rows(name, now[name], history)]
    return "\n".join([f"version {history.version}", aligned([_HEAD, *rows]), *not_understood(history.events)])


def table_data(history: History, now: State) -> Mapping[str, Any]:
    """Return the same as what JSON can hold."""
    rules = [{"name": name, **_data_of(now[name]), **_origin(name, now[name], history)} for name in sorted(now)]
    return {"version": history.version, "rules": rules, "not_understood": not_understood_data(history.events)}


def page(name: str, held: Held, history: History) -> str:
    """Return all there is about a name."""
    lines = [("name", name)]
    if held.rule is not None:
        lines += _fields(held.rule)
    lines.append(("changed", _changed(name, held, history)))
    if held.candidate is not None:
        lines.append(("candidate", ""))
        lines += [(f"  {field}", text) for field, text in _fields(held.candidate) if field != "mode"]
    return aligned(lines)


def not_understood(events: Sequence[Event]) -> Iterator[str]:
    """Yield lines about the records that could not be understood, none where there are none."""
    rows = [(f"version {entry.version}", one_line(entry.problem)) for entry in _invalid(events)]
    if rows:
        yield "records that are not understood, and change nothing:"
        yield aligned(rows, "  ")


def not_understood_data(events: Sequence[Event]) -> Sequence[Mapping[str, Any]]:
    """Return the same as what JSON can hold."""
    return [{"version": entry.version, "problem": entry.problem} for entry in _invalid(events)]


def events_data(events: Sequence[Event]) -> Sequence[Mapping[str, Any]]:
    """Return events as what JSON can hold."""
    return [{**event_data(event), "changes": _changes_data(event)} for event in events]


def event_data(event: Event) -> Mapping[str, Any]:
    """Return what is known of an event, whatever it has changed, as what JSON can hold."""
    return {
        "version": event.entry.version,
        "time": as_time(event.timestamp),
        "author": event.author,
        "outcome": event.entry.fate.value,
        "problem": event.entry.problem or None,
    }


def events_text(events: Sequence[Event]) -> str:
    """Return events as text, one below the other."""
    return "\n".join(map(shown_event, events)) or "no changes"


def _rows(name: str, held: Held, history: History) -> Iterator[tuple[str, ...]]:
    event = history.last_change(name)
    version = str(event.entry.version) if event else "-"
    if held.rule is not None:
        note = _GIVEN if _is_given(name, held, history) else held.rule.note
        yield _row(name, held.rule, held.rule.mode, version, note)
        version = ""
    if held.candidate is not None:
        label = candidate_label(name) if held.rule is None else _BELOW
        yield _row(label, held.candidate, "shadow", version, held.candidate.note)


def _row(label: str, rule: Rule, mode: str, version: str, note: str) -> tuple[str, ...]:
    points, when = one_line(rule.points, _LONGEST_POINTS), one_line(rule.when, _LONGEST_WHEN)
    return label, mode, points, f"{rule.share} %", version, one_line(note, _LONGEST_NOTE), when


def _is_given(name: str, held: Held, history: History) -> bool:
    """Tell whether the rule that holds under a name is given by a setting."""
    return held.rule is not None and history.now.get(name, NOTHING).rule is None


def _changed(name: str, held: Held, history: History) -> str:
    given = _GIVEN if _is_given(name, held, history) else ""
    event = history.last_change(name)
    if event is None or event.author is None:
        return given
    at = f"version {event.entry.version}, {as_time(event.timestamp)}, by {one_line(event.author)}"
    return f"{given}; {at}" if given else at


def _fields(rule: Rule) -> list[tuple[str, str]]:
    texts = [(name, one_line(getattr(rule, name))) for name in SHOWN_FIELDS]
    return [(name, f"{text} % of accounts" if name == "share" else text) for name, text in texts if text]


def _invalid(events: Sequence[Event]) -> Sequence[Entry]:
    return [event.entry for event in events if event.entry.fate is Fate.INVALID]


def _origin(name: str, held: Held, history: History) -> Mapping[str, Any]:
    event = history.last_change(name)
    return {
        "given_by": "FRAUD_THRESHOLD" if _is_given(name, held, history) else None,
        "version": event.entry.version if event else None,
        "time": as_time(event.timestamp) if event else None,
        "author": event.author if event else None,
    }


def _changes_data(event: Event) -> Sequence[Mapping[str, Any]]:
    return [
        {"name": name, "before": _data_of(event.before[name]), "after": _data_of(after)}
        for name, after in event.after.items()
    ]


def _data_of(held: Held) -> Mapping[str, Any]:
    return {which: rule and asdict(rule) for which, rule in held._asdict().items()}
