"""The commands that show the rules and their history, and change nothing."""

import json
from typing import Any

import click

from rules import listing, rule_file
from rules.changes import named
from rules.session import Session

_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.command("list")
@_as_json
@click.pass_obj
def list_rules(session: Session, *, as_json: bool) -> None:
    """Show all rules, each with its candidate."""
    history, now = session.topic.history, session.now
    click.echo(_json(listing.table_data(history, now)) if as_json else listing.table(history, now))


@click.command()
@click.argument("name")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one rule whole, its candidate, and who changed it last."""
    click.echo(listing.page(name, named(name, session.now), session.topic.history))


@click.command()
@click.argument("name", required=False)
@_as_json
@click.pass_obj
def history(session: Session, name: str | None, *, as_json: bool) -> None:
    """Show who changed what and when, of all rules or of one."""
    events = [each for each in session.topic.history.events if name is None or name in each.names]
    if name is not None and not events:
        named(name, session.now)
    click.echo(_json(listing.events_data(events)) if as_json else listing.events_text(events))


@click.command()
@click.pass_obj
def export(session: Session) -> None:
    """Print the topic's rules as a file for `apply`."""
    click.echo(rule_file.text_of(session.topic.history.now), nl=False)


COMMANDS = (list_rules, show, history, export)


def _json(data: Any) -> str:
    return json.dumps(data, indent=2)
