"""A service's start and end: `--help`, `--check`, settings, log, exit code."""

import argparse
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from runtime.logs import LogSettings, configure_logging, printable
from runtime.output import Output, standard_error
from runtime.parsing import writable_file
from runtime.process import Process, end
from runtime.redaction import hide
from runtime.settings import (
    InvalidSettings,
    Setting,
    all_settings,
    env_file,
    read_settings,
    secrets_in,
    setting,
    unknown_names,
)
from runtime.stop import Stop

EXIT_OK = 0
EXIT_BAD_SETTINGS = 2
EXIT_REFUSED = 3
_LONGEST_LINE = 1_000

logger = logging.getLogger(__name__)


class ServiceFailed(Exception):
    """The service cannot go on; the message says why and what to do about it."""

    exit_code: int | None = None  # None: the process's `exit_failed`


class ServiceRefused(ServiceFailed):
    """The service needs a right, a password or a certificate first; starting it again without that is useless."""

    exit_code = EXIT_REFUSED


@dataclass(frozen=True)
class RuntimeSettings:
    """What every service process has."""

    log: LogSettings
    health_file: str | None = setting(
        "HEALTH_FILE", "", writable_file, "file touched while the service works, for health checks; empty: none"
    )


class ServiceSettings(Protocol):
    """The settings of any service."""

    @property
    def runtime(self) -> RuntimeSettings:
        """The part that every service has."""


S = TypeVar("S")
T = TypeVar("T", bound=ServiceSettings)
Serve = Callable[[T, Stop], int | None]


def run_service(
    process: Process, settings_class: type[T], serve: Serve[T], options: argparse.Namespace | None = None
) -> None:
    """Run `serve(settings, stop)`, which may return an exit code, and end the process with it.

    Exit codes: 0 stopped as asked, 2 the settings cannot be used (nothing was touched), 3 access refused; that of the
    process where it cannot go on.
    """
    options = options or argument_parser(process.name, settings_class).parse_args()
    settings, warnings = settings_or_end(process.name, settings_class)
    if options.check:
        _tell(process.name, warnings)
        end(EXIT_OK)
    begin_log(process, settings, settings.runtime.log, process.log)
    for warning in warnings:
        logger.warning("%s", warning)
    end(_serve(process, settings, serve))


def begin_log(process: Process, settings: object, log: LogSettings, output: Output) -> None:
    """Let the process's log go to an output, without the secrets that are in its settings."""
    for secret in secrets_in(settings):
        hide(secret)
    process.stop.as_line = configure_logging(log, process.name, output)


def argument_parser(name: str, settings_class: type) -> argparse.ArgumentParser:
    """Return a parser that knows `--help`, which lists the settings, and `--check`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=f"The {name}. Settings come from the environment, then from .env in the working folder:",
        epilog=settings_table(settings_class),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="say what is wrong with the settings, and do nothing else")
    return parser


def settings_table(settings_class: type) -> str:
    """Return the settings as lines of text: name, default, explanation."""
    return "\n".join(map(_table_line, all_settings(settings_class)))


def _table_line(declared: Setting) -> str:
    return f"  {declared.name:<30} {declared.default or '(unset)':<16} {declared.explanation}"


def settings_or_end(name: str, settings_class: type[S]) -> tuple[S, Sequence[str]]:
    """Return the settings, and warnings of names in `.env` that no part knows; end the process if they are invalid."""
    try:
        file = env_file()
        settings = read_settings(settings_class, {**file, **os.environ})
    except InvalidSettings as invalid:
        _tell(name, map(str, invalid.mistakes))
        end(EXIT_BAD_SETTINGS)
    return settings, [f".env: {printable(name)} is not a setting{hint}" for name, hint in unknown_names(file)]


def _tell(name: str, lines: Iterable[str]) -> None:
    standard_error().writelines(f"{name}: {printable(line, _LONGEST_LINE)}\n" for line in lines)


def _serve(process: Process, settings: T, serve: Serve[T]) -> int:
    try:
        exit_code = serve(settings, process.stop)
    except ServiceFailed as failed:
        logger.error("%s", failed)  # noqa: TRY400 - one clear line is for the user, a traceback is not
        return process.exit_failed if failed.exit_code is None else failed.exit_code
    return exit_code or EXIT_OK
