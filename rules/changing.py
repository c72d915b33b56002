"""The commands that change one rule, or go back to an earlier version."""

from collections.abc import Sequence

import click

from decision.rule import Mode, Rule
from decision.rulebook import NOTHING, Held
from rules import changes
from rules.session import Session
from rules.writing import put, try_rule

_MODES: Sequence[Mode] = ("live", "shadow", "off")
_name = click.argument("name")
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")


@click.command("set")
@_name
@click.argument("when", metavar="[EXPRESSION]", required=False)
@click.option("--shadow", is_flag=True, help="Only show its hits; a live rule stays as it is, with this beside it.")
@click.option("--points", help="What a hit counts, a number or an expression; 100 make a fraud.")
@click.option("--share", help="The percentage of accounts that it holds for.")
@click.option("--note", help="One line for those who read it.")
@_dry_run
@click.pass_obj
def set_rule(session: Session, /, name: str, *, shadow: bool, dry_run: bool, **parts: str | None) -> None:
    """Make a rule, or change it; what is not given stays as it is, and its mode too.

    A new rule is live, or in shadow mode with --shadow. With --shadow, a live rule is never touched: the expression
    becomes its candidate, which `promote` puts in its place.
    """
    given = {part: text for part, text in parts.items() if text is not None}
    held = changes.with_these(session.now.get(name, NOTHING), given, in_shadow=shadow)
    _put_rule(session, name, held, dry_run=dry_run)


@click.command()
@_name
@click.argument("mode", type=click.Choice(_MODES))
@click.pass_obj
def mode(session: Session, name: str, mode: Mode) -> None:
    """Make a rule live, let it only show its hits, or switch it off."""
    _put_rule(session, name, changes.with_mode(changes.named(name, session.now), mode))


@click.command()
@_name
@click.pass_obj
def promote(session: Session, name: str) -> None:
    """Put the candidate in the place of the rule, or make a rule in shadow mode live."""
    _put_rule(session, name, changes.promoted(changes.named(name, session.now)))


@click.command()
@_name
@click.option("--candidate", is_flag=True, help="Remove only its candidate.")
@click.pass_obj
def remove(session: Session, name: str, *, candidate: bool) -> None:
    """Remove a rule and its candidate."""
    changes.named(name, session.now)
    left = changes.without(name, session.topic.history.now, only_candidate=candidate)
    put(session, {name: left})
    if left == NOTHING and name in session.settings.decision.defaults:
        click.echo(f"{name} is given by FRAUD_THRESHOLD again: {session.settings.decision.defaults[name].when}")


@click.command()
@click.argument("version", type=click.IntRange(0))
@_dry_run
@click.pass_obj
def rollback(session: Session, version: int, *, dry_run: bool) -> None:
    """Restore all rules as they were at a version, by a new one."""
    history = session.topic.history
    if version > history.version:
        raise changes.NotPossible(f"there is no version {version} yet; the last one is {history.version}")
    put(session, changes.replaced(history.now, history.at(version)), dry_run=dry_run)


COMMANDS = (set_rule, mode, promote, remove, rollback)


def _put_rule(session: Session, name: str, held: Held, *, dry_run: bool = False) -> None:
    """Write what is to hold under a name; before, try on the last transactions what becomes live or a candidate."""
    now = session.topic.history.now
    after = changes.without_given({name: held}, now, session.settings.decision.defaults)
    changes.raise_if_not_allowed(now, after)
    rule = _new(held, session.now.get(name, NOTHING))
    if rule is not None:
        try_rule(session, name, rule)
    put(session, after, dry_run=dry_run)


def _new(held: Held, before: Held) -> Rule | None:
    """Return the rule that is asked from now on in a way that it was not, None where there is none."""
    if held.rule is not None and held.rule != before.rule and held.rule.mode != "off":
        return held.rule
    return held.candidate if held.candidate != before.candidate else None
