"""What every command that writes has in common: what it says before, and what has become of it."""

import uuid

import click

from decision.rule import Rule
from decision.rulebook import State
from rules.differences import shown, shown_event
from rules.history import Event
from rules.session import Session
from rules.trial import trial
from runtime.service import ServiceFailed

_UNCHANGED = "nothing to change: it is so already"


def try_rule(session: Session, name: str, rule: Rule) -> None:
    """Say what a rule would find in the last transactions, or why that is not known."""
    try:
        transactions = session.last_transactions()
    except ServiceFailed as failed:
        click.echo(f"not tried on the last transactions: {failed}")
        return
    if transactions:
        click.echo("\n".join(trial(name, rule, transactions)))
    else:
        click.echo(f"not tried: there are no transactions in {session.settings.topics.transactions}")


def shown_change(now: State, after: State) -> bool:
    """Show what would change, and tell whether anything would."""
    text = shown(now, after)
    click.echo(text or _UNCHANGED)
    return bool(text)


def put(session: Session, after: State, *, dry_run: bool = False) -> None:
    """Write what is to hold under these names, and say at which version it does, and what that changed.

    On a dry run, say what would change, and write nothing.
    """
    if dry_run:
        shown_change(session.topic.history.now, after)
        return
    own = write(session, after)
    if own is not None:
        click.echo(f"version {own.entry.version}:\n{shown(own.before, own.after)}")


def write(session: Session, after: State) -> Event | None:
    """Write what is to hold under these names, and return its record; None, and say so, where it holds already.

    Raises ServiceFailed where it does not hold, as somebody else has changed one of them meanwhile.
    """
    topic = session.topic
    change_set = topic.history.change_set(after, session.settings.author, uuid.uuid4().hex)
    if change_set is None:
        click.echo(_UNCHANGED)
        return None
    *meanwhile, own = topic.write(change_set)
    for event in meanwhile:
        if event.is_applied:
            click.echo(f"meanwhile: {shown_event(event)}")
    if not own.is_applied:
        raise ServiceFailed(f"nothing has been changed: {own.entry.problem}")
    return own
