"""The commands for rules in a file: check it, try its examples, make the topic equal to it."""

from pathlib import Path

import click
from click.exceptions import Exit

from payments.reading import TransactionReader
from rules import changes, rule_file
from rules.examples import failures, rules_of
from rules.rule_file import InvalidFile, RuleFile
from rules.session import Session
from rules.writing import ask, shown_change, warn_of_empty_lists, write

EXIT_FAILED = 1
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command()
@_file
def check(file: Path) -> None:
    """Tell whether a file of rules can be used; needs no Kafka."""
    found = _read(file)
    click.echo(f"{file} is valid; rules: {len(found.rules)}, examples: {len(found.examples)}")


@click.command()
@_file
@click.pass_obj
def test(session: Session, file: Path) -> None:
    """Try the examples of a file on its rules; needs no Kafka. Exit code 1: one has failed."""
    found = _read(file)
    reader = TransactionReader(session.settings.decision.mapping)
    rules = rules_of(found.rules, session.settings.decision.defaults, reader, found.lists)
    failed = list(failures(found.examples, rules))
    for text in failed:
        click.echo(text)
    click.echo(f"examples: {len(found.examples)}, failed: {len(failed)}")
    if failed:
        raise Exit(EXIT_FAILED)


@click.command()
@_file
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def apply(session: Session, file: Path, *, yes: bool) -> None:
    """Make the topic's rules equal to a file, in one change; rules that the file does not have are removed."""
    found = _read(file)
    if found.lists.lists:
        click.echo("the lists of the file are for its examples only; `lists` changes those in Kafka")
    now = session.topic.history.now
    after = changes.replaced(now, found.rules)
    if not shown_change(now, after):
        return
    warn_of_empty_lists(session, after)
    if not yes:
        ask("change that?")
    own = write(session, after)
    if own is not None:
        click.echo(f"version {own.entry.version}: it is so now")


COMMANDS = (check, test, apply)


def _read(file: Path) -> RuleFile:
    try:
        return rule_file.read(file.read_text(encoding="utf-8"))
    except InvalidFile as error:
        raise InvalidFile([f"{file}: {mistake}" for mistake in error.mistakes]) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
        raise InvalidFile([f"{file}: {reason}"]) from error
