"""A service's start and end: `--help`, settings, log, signals, exit code."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol, TypeVar

from runtime.logs import LogSettings, configure_logging
from runtime.parsing import optional_text
from runtime.settings import InvalidSettings, Setting, all_settings, environment, read_settings, setting
from runtime.stop import Stop, StopTimeout, stop_on_signals

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_SETTINGS = 2
EXIT_REFUSED = 3

logger = logging.getLogger(__name__)


class ServiceFailed(Exception):
    """The service cannot go on; the message says why and what to do about it."""

    exit_code = EXIT_FAILED


class ServiceRefused(ServiceFailed):
    """Somebody has to give the service a right, a password or a certificate first; starting it again is of no use."""

    exit_code = EXIT_REFUSED


@dataclass(frozen=True)
class RuntimeSettings:
    """What every service process has."""

    log: LogSettings
    health_file: str | None = setting(
        "HEALTH_FILE", "", optional_text, "file touched while the service works, for health checks; empty: none"
    )


class ServiceSettings(Protocol):
    """The settings of any service."""

    @property
    def runtime(self) -> RuntimeSettings:
        """The part that every service has."""


T = TypeVar("T", bound=ServiceSettings)


def run_service(name: str, settings_class: type[T], serve: Callable[[T, Stop], None]) -> NoReturn:
    """Run `serve(settings, stop)` as a process, and exit with its code.

    Exit codes: 0 stopped as asked, 1 failed, 2 the settings cannot be used (nothing was touched), 3 access refused.
    """
    argument_parser(name, settings_class).parse_args()
    run_with_settings(name, settings_class, serve)


def run_with_settings(name: str, settings_class: type[T], serve: Callable[[T, Stop], None]) -> NoReturn:
    """Do the same for a service that has handled its arguments."""
    settings = _settings_or_exit(name, settings_class, environment())
    configure_logging(settings.runtime.log, name)
    _exit(_serve(settings, serve, stop_on_signals()))


def argument_parser(name: str, settings_class: type) -> argparse.ArgumentParser:
    """Return a parser that knows `--help`, which lists the settings."""
    return argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=f"The {name}. Settings come from the environment, then from .env in the working folder:",
        epilog=settings_table(settings_class),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def settings_table(settings_class: type) -> str:
    """Return the settings as lines of text: name, default, explanation."""
    return "\n".join(map(_table_line, all_settings(settings_class)))


def _table_line(declared: Setting) -> str:
    return f"  {declared.name:<30} {declared.default or '(unset)':<16} {declared.explanation}"


def _settings_or_exit(name: str, settings_class: type[T], texts: Mapping[str, str]) -> T:
    try:
        return read_settings(settings_class, texts)
    except InvalidSettings as invalid:
        sys.stderr.writelines(f"{name}: {mistake}\n" for mistake in invalid.mistakes)
        sys.exit(EXIT_BAD_SETTINGS)


def _serve(settings: T, serve: Callable[[T, Stop], None], stop: Stop) -> int:
    try:
        serve(settings, stop)
    except StopTimeout:
        logger.warning("stopped without waiting any longer: Kafka does not answer")
        return EXIT_FAILED
    except ServiceFailed as failed:
        logger.error("%s", failed)  # noqa: TRY400 - one clear line is for the user, a traceback is not
        return failed.exit_code
    return EXIT_OK


def _exit(code: int) -> NoReturn:
    """Leave at once: a Kafka client's own exit handlers may wait for a cluster that is away."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
