"""Which Kafka the command line and the settings ask for."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded_kafka import ports
from runtime.settings import InvalidSettings, environment, read_settings, setting

DEFAULT_PORT = "9092"
HIGHEST_PORT = 65535


@dataclass(frozen=True)
class PortSettings:
    """What says the port where --port does not."""

    port: str = setting(
        "KAFKA_PORT", DEFAULT_PORT, str, "the port of the embedded Kafka (scripts/demo, scripts/run embedded_kafka)"
    )


@dataclass(frozen=True)
class Choice:
    """A port, 0 for a free one; the folder for the data, None for one that is removed; TLS, logins and ACLs or not."""

    port: int
    data_directory: Path | None
    is_secure: bool


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what read_choice reads."""
    parser.add_argument(
        "--port",
        help=f"where clients connect; 0 takes a free one (else KAFKA_PORT from the environment "
        f"or .env, else {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--data-directory", type=Path, metavar="DIR", help="keep the data there (else it is removed at the end)"
    )
    parser.add_argument(
        "--secure", action="store_true", help="TLS, logins and ACLs, as docker-compose.secure.yml has them"
    )


def read_choice(options: argparse.Namespace) -> tuple[Choice | None, Sequence[str]]:
    """Return the choice, or None and what is wrong with it in lines for the user."""
    try:
        port = options.port or read_settings(PortSettings, environment()).port
    except InvalidSettings as invalid:
        return None, [str(mistake) for mistake in invalid.mistakes]
    mistake = port_mistake(port)
    return (None, [mistake]) if mistake else (Choice(int(port), options.data_directory, options.secure), [])


def port_mistake(text: str) -> str | None:
    """Return what is wrong with a port as it was given, in a line for the user, or None."""
    if not (re.fullmatch("[0-9]{1,5}", text) and int(text) <= HIGHEST_PORT):
        return f"--port or KAFKA_PORT: expected a port from 1 to {HIGHEST_PORT}, or 0 for a free one, not {text!r}"
    reason = ports.why_not_free(int(text))
    return ports.taken(int(text), reason) if reason else None
