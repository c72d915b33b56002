"""Lists, their members and their history as text for people, and as data for programs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from decision.asked_rule import lists_named
from decision.list_change import ListChange
from decision.lists import MemberList, Membership
from decision.members import Member, written
from decision.rulebook import State
from decision.ruleset import asked_of
from rules.differences import told
from rules.history import Event
from rules.list_history import ListHistory
from rules.listing import event_data, not_understood, not_understood_data
from rules.text import aligned, one_line

Users = Mapping[str, Sequence[str]]  # by the names of lists, the rules and candidates that ask for them
_HEAD = ("LIST", "MEMBERS", "EXPIRED", "VERSION", "RULES")
_MEMBERS_HEAD = ("MEMBER", "VERSION", "EXPIRES", "NOTE")
_MOST_SHOWN = 5
_LONGEST_MEMBER = 60


def users_of(rules: State) -> Users:
    """Return which rules ask for which lists; those that are off do not."""
    users: dict[str, list[str]] = {}
    for asked in asked_of(rules):
        for name in lists_named([asked.rule]):
            users.setdefault(name, []).append(asked.label)
    return users


def table(history: ListHistory, users: Users, now: datetime) -> str:
    """Return the lists with their numbers of members, and the records that could not be understood."""
    rows = [_row(name, history.book.lists.get(name), users, now) for name in _names(history, users)]
    return "\n".join([f"version {history.version}", aligned([_HEAD, *rows]), *not_understood(history.events)])


def table_data(history: ListHistory, users: Users, now: datetime) -> Mapping[str, Any]:
    """Return the same as what JSON can hold."""
    lists = [
        {"name": name, **_counts(history.book.lists.get(name), now), "rules": users.get(name, ())}
        for name in _names(history, users)
    ]
    return {"version": history.version, "lists": lists, "not_understood": not_understood_data(history.events)}


def page(members: MemberList, now: datetime) -> str:
    """Return the members of a list, each with what is known of it."""
    rows = [
        (
            one_line(written(member)),
            str(known.version),
            _expiry(known) + (" (expired)" if _is_expired(known, now) else ""),
            one_line(known.note),
        )
        for member, known in members
    ]
    return aligned([_MEMBERS_HEAD, *rows]) if rows else "no members"


def page_data(members: MemberList, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Return the same as what JSON can hold."""
    return [
        {
            "member": member,
            "version": known.version,
            "expires": _expiry(known) or None,
            "is_expired": _is_expired(known, now),
            "note": known.note or None,
        }
        for member, known in members
    ]


def shown_event(event: Event) -> str:
    """Return who did it, when, and what that changed, or why it changed nothing."""
    return told(event, shown(event.entry.change_set.changes) if event.is_applied else "")


def shown(changes: Sequence[ListChange]) -> str:
    """Return changes as indented lines."""
    return aligned([(one_line(each.name), text) for each in changes for text in _said(each)], "  ")


def shown_members(members: Sequence[Member]) -> str:
    """Return the first few of some members."""
    some = ", ".join(one_line(written(member), _LONGEST_MEMBER) for member in members[:_MOST_SHOWN])
    return some if len(members) <= _MOST_SHOWN else f"{some} …"


def events_text(events: Sequence[Event]) -> str:
    """Return events as text, one below the other."""
    return "\n".join(map(shown_event, events)) or "no changes"


def events_data(events: Sequence[Event]) -> Sequence[Mapping[str, Any]]:
    """Return events as what JSON can hold, of those that were not applied too."""
    return [{**event_data(event), "changes": [*map(_change_data, _changes_of(event))]} for event in events]


def _names(history: ListHistory, users: Users) -> Sequence[str]:
    return sorted({*history.book.lists, *users})


def _row(name: str, members: MemberList | None, users: Users, now: datetime) -> Sequence[str]:
    counts = _counts(members, now)
    numbers = f"{counts['members']:,}", f"{counts['expired']:,}", str(counts["version"] or "-")
    return name, *numbers, ", ".join(users.get(name, ()))


def _counts(members: MemberList | None, now: datetime) -> Mapping[str, Any]:
    """Return how many are in a list, of these how many have expired, and the version of its last change."""
    expired = [_is_expired(known, now) for _, known in members or ()]
    return {"members": len(expired), "expired": sum(expired), "version": members.changed if members else None}


def _is_expired(known: Membership, now: datetime) -> bool:
    return known.expires is not None and known.expires <= now


def _expiry(known: Membership) -> str:
    return "" if known.expires is None else _as_text(known.expires)


def _as_text(time: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC where that is a time."""
    try:
        return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return time.isoformat()


def _said(change: ListChange) -> Iterator[str]:
    if change.clear:
        yield "all members removed"
    if change.remove:
        yield f"{_number(change.remove)} removed: {shown_members(change.remove)}"
    if change.add:
        until = "" if change.expires is None else f", until {change.expires}"
        note = f"  ({one_line(change.note)})" if change.note else ""
        yield f"{_number(change.add)} added{until}: {shown_members(change.add)}{note}"


def _number(members: Sequence[Member]) -> str:
    return "1 member" if len(members) == 1 else f"{len(members):,} members"


def _changes_of(event: Event) -> Sequence[ListChange]:
    return event.entry.change_set.changes if event.entry.change_set else ()


def _change_data(change: ListChange) -> Mapping[str, Any]:
    return {
        "name": change.name,
        "cleared": change.clear,
        "removed": change.remove,
        "added": change.add,
        "expires": change.expires,
        "note": change.note or None,
    }
