"""What the commands that change a list have in common: what is said before, and what has become of it."""

import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from msgspec.structs import replace
from tqdm import tqdm

from decision.list_change import ListChange, encode, time_of
from rules.history import Event
from rules.list_history import change_sets
from rules.list_tables import shown, shown_event, shown_members, users_of
from rules.session import Session
from rules.topic import Written
from rules.writing import UNCHANGED, ask, say
from runtime.service import ServiceFailed

_MOST_MEANWHILE = 10
_NOTHING = "nothing has been changed"


def put_added(session: Session, wanted: ListChange) -> None:
    """Add members to a list; those that are in it already, with that expiry and note, are left out."""
    change = session.lists.history.adding(wanted)
    until = time_of(change.expires)
    if until is not None and until <= datetime.now(UTC):
        click.echo(f"warning: {change.expires} is in the past; only earlier transactions find them in the list")
    if 0 < len(change.add) < len(wanted.add):
        click.echo(f"{len(wanted.add) - len(change.add):,} of {len(wanted.add):,} are in {change.name} already")
    _put(session, change)


def put_removed(session: Session, wanted: ListChange) -> None:
    """Remove members from a list, and say who is not in it."""
    history = session.lists.history
    change = history.removing(wanted)
    absent = [member for member in wanted.remove if history.book.find(wanted.name, member) is None]
    if absent:
        click.echo(f"not in {change.name}: {shown_members(absent)}")
    _put(session, change)


def put_cleared(session: Session, name: str, *, yes: bool) -> None:
    """Remove everybody from a list, once that is confirmed, and warn where rules ask for it."""
    change, members = session.lists.history.clearing(name), session.lists.history.named(name)
    users = users_of(session.now).get(name)
    if change.clear and users:
        click.echo(f"warning: {', '.join(users)} asks for {name}, which will be empty")
    if change.clear and not yes:
        ask(f"remove all {sum(1 for _ in members):,} members of {name}?")
    _put(session, change)


def _put(session: Session, change: ListChange) -> None:
    """Write a change, in several change sets where it is large, and say what it has come to."""
    topic = session.lists
    sets = change_sets(change, session.settings.author, uuid.uuid4().hex, topic.most_bytes)
    if not sets:
        click.echo(UNCHANGED)
        return
    values = {each.id: encode(each) for each in sets}
    total = sum(map(len, values.values()))
    with tqdm(total=total, unit="B", unit_scale=True, file=sys.stderr, leave=False, disable=None) as bar:
        written = topic.write(values, bar.update)
    _tell(change, written)


def _tell(change: ListChange, written: Written) -> None:
    """Say what has become of a change. Raises ServiceFailed where that is not all of it."""
    others = [event for event in written.meanwhile if event.is_applied and change.name in event.names]
    say(f"meanwhile: {shown_event(event)}" for event in others[-_MOST_MEANWHILE:])
    applied = [event for event in written.own if event.is_applied]
    if applied:
        click.echo(f"version {applied[-1].entry.version}:\n{shown([_together(applied)])}")
    failed = [event for event in written.own if not event.is_applied]
    if failed:
        what = f"{_size(failed):,} of {_size(written.own):,} members have not been changed" if applied else _NOTHING
        raise ServiceFailed(f"{what}: {failed[0].entry.problem}" + ("; repeat it" if applied else ""))


def _together(events: Sequence[Event]) -> ListChange:
    """Return the parts of a change as one."""
    parts = _parts(events)
    added = [member for part in parts for member in part.add]
    return replace(parts[0], add=added, remove=[member for part in parts for member in part.remove])


def _size(events: Sequence[Event]) -> int:
    return sum(len(part.add) + len(part.remove) for part in _parts(events))


def _parts(events: Sequence[Event]) -> Sequence[ListChange]:
    return [part for event in events for part in event.entry.change_set.changes]
