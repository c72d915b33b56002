"""The command line as a process: the commands, and what their mistakes become: one line and an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
from click.exceptions import Abort, NoArgsIsHelpError

from decision.rule import InvalidRule
from decision.source import InvalidExpression
from rules import EXIT_STOPPED, changing, explaining, filing, lists, showing
from rules.changes import NotPossible
from rules.rule_file import InvalidFile
from rules.session import Session
from rules.settings import RulesSettings
from runtime.logs import printable
from runtime.output import OUTPUT, Output, standard_error
from runtime.process import Process, end
from runtime.service import EXIT_BAD_SETTINGS, EXIT_OK, ServiceFailed, settings_table

_LONGEST_LINE = 1_000
_COMPLETION = "_RULES_COMPLETE"
_INVALID = (NotPossible, InvalidRule, InvalidExpression, InvalidFile)
_HELP = """Shows the rules and lists in Kafka, and changes them while the detectors judge.

Every change is kept, with who made it and when. docs/rules-cli.md has examples and all of the exit codes.

\b
Completion by the shell, where a program `rules` runs this:
  eval "$(_RULES_COMPLETE=bash_source rules)"    (or zsh_source, fish_source)
"""
_SETTINGS = "\b\nSettings come from the environment, then from .env in the working folder:\n"


@click.group("rules", help=_HELP, epilog=_SETTINGS + settings_table(RulesSettings))
def rules() -> None:
    """Do what the command behind it does."""


_COMMANDS = (*showing.COMMANDS, *explaining.COMMANDS, *changing.COMMANDS, *filing.COMMANDS, lists.lists)
for command in _COMMANDS:
    rules.add_command(command)


def main(process: Process) -> NoReturn:
    """Run the command that the arguments name, and end the process.

    Exit codes: 0 done, 1 not done, or an example has failed, 2 what was asked for is not allowed, and nothing was
    written, 3 access refused, 130 stopped.
    """
    if _COMPLETION in os.environ:
        sys.stdout = sys.__stdout__  # click writes bytes then
    else:
        sys.stdout = Output(OUTPUT, process.stop.reader_is_gone, _fail)
    end(run(Session(process), process.exit_failed))


def run(session: Session, exit_failed: int, arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, those of the process if none are given; return the exit code."""
    try:
        code = rules.main(arguments, "rules", _COMPLETION, standalone_mode=False, obj=session)
    except Abort:
        return _told("stopped; nothing was written", EXIT_STOPPED)
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _told(error.format_message(), error.exit_code)
    except _INVALID as error:
        return _told(str(error), EXIT_BAD_SETTINGS)
    except ServiceFailed as failed:
        return _told(str(failed), exit_failed if failed.exit_code is None else failed.exit_code)
    return code if isinstance(code, int) else EXIT_OK


def _told(message: str, exit_code: int) -> int:
    lines = (printable(line, _LONGEST_LINE) for line in message.split("\n"))
    standard_error().write("rules: " + "\n".join(lines) + "\n")
    return exit_code


def _fail(error: OSError) -> NoReturn:
    raise ServiceFailed(f"standard output cannot be written: {error.strerror}")
