"""`python -m embedded_kafka`: a disposable Kafka in the foreground, or around a command."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from dotenv import dotenv_values

from embedded_kafka import command, ports
from embedded_kafka.broker import EmbeddedKafka
from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.secured import SecuredKafka

DEFAULT_PORT = "9092"
HIGHEST_PORT = 65535
DESCRIPTION = """\
Runs a one-node Kafka on this machine, with nothing installed but Python packages. Downloads it the first time (45 MB).
Without a command it runs until Ctrl-C. With one it runs that with KAFKA_BOOTSTRAP_SERVERS set, stops when the command
ends, and exits with the command's code. With --secure everybody has to log in over TLS: KAFKA_SECRETS names a folder
with one for each user, in which is the file `password`; the other settings that it takes to connect are set."""


def main() -> int:
    """Return the exit code: the command's, or 0 when stopped, 1 when Kafka fails, 2 for a mistake in the arguments."""
    options = _parser().parse_args()
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    port = options.port or _setting("KAFKA_PORT") or DEFAULT_PORT
    mistake = port_mistake(port) or command_mistake(words)
    if mistake:
        return _fail(mistake, 2)
    if not options.secure:
        return run(EmbeddedKafka(port=int(port), data_directory=options.data_directory), words)
    with contextlib.ExitStack() as stack:
        directory = options.data_directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="secured-")))
        return run(SecuredKafka(directory, port=int(port)), words)


def run(kafka: EmbeddedKafka | SecuredKafka, words: Sequence[str]) -> int:
    """Start Kafka, wait for the command or a signal, stop Kafka; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    print(f"Kafka is starting on {kafka.bootstrap_servers}", file=sys.stderr)
    try:
        with kafka:
            return command.run(words, {**os.environ, **kafka.settings}) if words else _run_alone(kafka)
    except KeyboardInterrupt:
        return 0
    except EmbeddedKafkaError as error:
        return _fail(str(error), 1)


def port_mistake(text: str) -> str | None:
    """Return what is wrong with a port as it was given, in a line for the user, or None."""
    if not (text.isascii() and text.isdigit() and int(text) <= HIGHEST_PORT):
        return f"--port or KAFKA_PORT: expected a port from 1 to {HIGHEST_PORT}, or 0 for a free one, not {text!r}"
    reason = ports.why_not_free(int(text))
    return f"port {text} cannot be used: {reason}; choose another with --port or KAFKA_PORT" if reason else None


def command_mistake(words: Sequence[str]) -> str | None:
    """Return what is wrong with the command, in a line for the user, or None."""
    return None if not words or shutil.which(words[0]) else f"there is no command {words[0]!r}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m embedded_kafka", description=DESCRIPTION)
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
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run beside it, with its arguments")
    return parser


def _setting(name: str) -> str | None:
    return {**dotenv_values(".env"), **os.environ}.get(name)


def _run_alone(kafka: EmbeddedKafka | SecuredKafka) -> int:
    print(f"Kafka listens on {kafka.bootstrap_servers}; Ctrl-C stops it", flush=True)
    while kafka.is_running:
        time.sleep(0.2)
    return _fail("Kafka ended by itself", 1)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Once is enough (`timeout` and some shells send it twice): a second one would cut the cleaning up short.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
