"""What every command that writes has in common: what it says before, and what has become of it."""

import os
import uuid
from collections.abc import Iterable

import click

from decision.asked_rule import AskedRule
from decision.lists import ListBook
from decision.rule import Rule
from decision.rulebook import State, encode
from decision.ruleset import asked_of
from rules.changes import NotPossible
from rules.differences import shown, shown_event
from rules.history import Event
from rules.session import Session
from rules.trial import empty_lists, trial
from runtime.service import ServiceFailed

UNCHANGED = "nothing to change: it is so already"


def try_rule(session: Session, name: str, rule: Rule) -> None:
    """Say what a rule would find in the last transactions, or why nobody knows, and which of its lists are empty."""
    asked = [AskedRule(name, rule)]
    try:
        lists = session.lists_of(asked)
    except ServiceFailed as failed:
        click.echo(f"not tried on the last transactions, as its lists are not known: {failed}")
        return
    say(_tried(session, name, rule, lists))
    say(empty_lists(asked, lists))


def _tried(session: Session, name: str, rule: Rule, lists: ListBook) -> Iterable[str]:
    """Return what a rule would find in the last transactions, or why that is not known."""
    try:
        transactions = session.last_transactions()
    except ServiceFailed as failed:
        return [f"not tried on the last transactions: {failed}"]
    if not transactions:
        return [f"not tried: there are no transactions in {session.settings.topics.transactions}"]
    return trial(name, rule, transactions, lists)


def warn_of_empty_lists(session: Session, after: State) -> None:
    """Say which lists that these rules ask for are empty, or why that is not known."""
    asked = asked_of(after)
    try:
        lists = session.lists_of(asked)
    except ServiceFailed as failed:
        click.echo(f"warning: which lists are empty is not known: {failed}")
    else:
        say(empty_lists(asked, lists))


def ask(question: str) -> None:
    """Ask whether to go on. Raises NotPossible where nobody can be asked, and Abort where the answer is no."""
    if not os.isatty(0):
        raise NotPossible("nobody can be asked here; with --yes it goes on without")
    click.confirm(question, abort=True, err=True)


def say(lines: Iterable[str]) -> None:
    """Say each of these."""
    for line in lines:
        click.echo(line)


def shown_change(now: State, after: State) -> bool:
    """Show what would change, and tell whether anything would."""
    text = shown(now, after)
    click.echo(text or UNCHANGED)
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
        click.echo(UNCHANGED)
        return None
    written = topic.write({change_set.id: encode(change_set)})
    say(f"meanwhile: {shown_event(event)}" for event in written.meanwhile if event.is_applied)
    [own] = written.own
    if not own.is_applied:
        raise ServiceFailed(f"nothing has been changed: {own.entry.problem}")
    return own
