"""The commands for lists of accounts and other values, which rules ask: `source in list["blocked"]`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec
from msgspec.structs import replace

from decision.list_change import ListChange
from rules import list_tables
from rules.changes import NotPossible
from rules.list_tables import users_of
from rules.list_writing import put_added, put_cleared, put_removed
from rules.members import expiry, members_given, members_in
from rules.session import Session
from runtime.timing import now_ms

_STANDARD_INPUT = "-"
F = TypeVar("F", bound=Callable[..., Any])
_name = click.argument("name")
_members = click.argument("members", nargs=-1)
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
_json_members = click.option("--json", "as_json", is_flag=True, help='Members are JSON: 1, "1" and true are three.')
_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


def _staying(command: F) -> F:
    """Add the options that say how long members stay, and why."""
    command = click.option("--note", default="", help="One line for those who read it.")(command)
    command = click.option(
        "--for", "duration", metavar="DURATION", help="How long they stay from now: 90m, 12h, 30d or 4w."
    )(command)
    return click.option("--expires", metavar="TIME", help="Until when they stay: 2026-12-24T18:00:00Z.")(command)


@click.group()
def lists() -> None:
    """Show and change the lists that rules ask: source in list["blocked"]."""


@lists.command()
@_name
@_members
@_staying
@_json_members
@click.pass_obj
def add(session: Session, /, name: str, members: Sequence[str], *, as_json: bool, **staying: Any) -> None:
    """Add members to a list, or change how long those stay that are in it."""
    if not members:
        raise click.UsageError("Missing argument 'MEMBERS...'.")
    change = _change(name, **staying)
    put_added(session, replace(change, add=members_given(members, as_json=as_json)))


@lists.command("import")
@_name
@_file
@_staying
@_json_members
@click.pass_obj
def import_members(session: Session, /, name: str, file: str, *, as_json: bool, **staying: Any) -> None:
    """Add the members in a file to a list, one a line; `-` is standard input.

    Who is in it already, with that expiry and note, is left out: if it was interrupted, do it again.
    """
    change = _change(name, **staying)
    members = _members_in(file, as_json=as_json)
    if members:
        put_added(session, replace(change, add=members))
    else:
        click.echo("nothing to change: there are no members in it")


@lists.command()
@_name
@_members
@click.option("--all", "is_all", is_flag=True, help="Remove all members.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_members
@click.pass_obj
def remove(session: Session, name: str, members: Sequence[str], *, is_all: bool, yes: bool, as_json: bool) -> None:
    """Remove members from a list, or with --all everybody."""
    if is_all == bool(members):
        raise click.UsageError("either members are named, or --all")
    if is_all:
        put_cleared(session, name, yes=yes)
        return
    put_removed(session, ListChange(name, 0, remove=members_given(members, as_json=as_json)))


@lists.command()
@_name
@_as_json
@click.pass_obj
def show(session: Session, name: str, *, as_json: bool) -> None:
    """Show the members of a list, each with the version since which it is so."""
    members, now = session.lists.history.named(name), datetime.now(UTC)
    click.echo(_json(list_tables.page_data(members, now)) if as_json else list_tables.page(members, now))


@lists.command("list")
@_as_json
@click.pass_obj
def list_lists(session: Session, *, as_json: bool) -> None:
    """Show all lists, with how many are in them, and the rules that ask for them."""
    show = list_tables.table_data if as_json else list_tables.table
    shown = show(session.lists.history, users_of(session.now), datetime.now(UTC))
    click.echo(_json(shown) if as_json else shown)


@lists.command()
@click.argument("name", required=False)
@_as_json
@click.pass_obj
def history(session: Session, name: str | None, *, as_json: bool) -> None:
    """Show who changed what and when, of all lists or of one."""
    known = session.lists.history
    events = [each for each in known.events if name is None or name in each.names]
    if name is not None and not events:
        known.named(name)
    click.echo(_json(list_tables.events_data(events)) if as_json else list_tables.events_text(events))


def _change(name: str, expires: str | None, duration: str | None, note: str) -> ListChange:
    """Return the change of a list that adds nobody yet."""
    if expires is not None and duration is not None:
        raise click.UsageError("either --expires or --for")
    return ListChange(name, 0, expires=expiry(now_ms(), duration) if duration is not None else expires, note=note)


def _members_in(file: str, *, as_json: bool) -> Sequence[Any]:
    is_input = file == _STANDARD_INPUT
    name = "standard input" if is_input else file
    try:
        with open(0 if is_input else file, "rb", closefd=not is_input) as stream:
            return members_in(stream, name, as_json=as_json)
    except OSError as error:
        raise NotPossible(f"{name}: {error.strerror}") from error


def _json(data: Any) -> str:
    return msgspec.json.format(msgspec.json.Encoder(decimal_format="number").encode(data)).decode()
