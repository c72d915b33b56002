"""A disposable Kafka in the foreground, or around a command."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from embedded_kafka import command
from embedded_kafka.choice import add_options, read_choice
from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.opening import AnyKafka, opened
from embedded_kafka.waiting import Stopped, Waiting, tell
from runtime.service import EXIT_BAD_SETTINGS
from runtime.settings import InvalidSettings, environment
from runtime.stop import Stop

EXIT_NEVER_RUN = command.CTRL_C
DESCRIPTION = """\
Runs a one-node Kafka on this machine, with nothing installed but Python packages. Downloads it the first time (44 MB).
Without a command it runs until Ctrl-C. With a command, it runs that with KAFKA_BOOTSTRAP_SERVERS set, stops when the
command ends, and exits with its exit code. With --secure all clients must log in over TLS: KAFKA_SECRETS then names a
folder that holds `<user>/password` for each user, and all other settings needed to connect are set too."""


def main(stop: Stop) -> int:
    """Return the exit code: the command's, or 0 when stopped, 1 when Kafka fails, 2 for a mistake in what was asked.

    A stop that comes before a command could run is 130.
    """
    options = _parser().parse_args()
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    choice, mistakes = read_choice(options)
    mistakes = [*mistakes, *command_mistakes(words)]
    if choice is None or mistakes:
        tell("".join(f"{mistake}\n" for mistake in mistakes))
        return EXIT_BAD_SETTINGS
    waiting = Waiting(stop)
    try:
        with opened(choice, waiting, environment()) as kafka:
            return _run_command(words, kafka, stop) if words else _run_alone(kafka, stop)
    except Stopped:
        return EXIT_NEVER_RUN if words else 0
    except (EmbeddedKafkaError, InvalidSettings) as error:
        waiting.done()
        tell(f"{error}\n")
        return error.exit_code if isinstance(error, EmbeddedKafkaError) else EXIT_BAD_SETTINGS


def command_mistakes(words: Sequence[str]) -> list[str]:
    """Return what is wrong with the command, in lines for the user."""
    return [] if not words or shutil.which(words[0]) else [f"command not found: {words[0]!r}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m embedded_kafka", description=DESCRIPTION)
    add_options(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run beside it, with its arguments")
    return parser


def _run_command(words: Sequence[str], kafka: AnyKafka, stop: Stop) -> int:
    if stop.requested:
        raise Stopped
    return command.run(words, {**os.environ, **kafka.settings}, stop)


def _run_alone(kafka: AnyKafka, stop: Stop) -> int:
    sys.stdout.write(f"Kafka listens on {kafka.bootstrap_servers}; Ctrl-C stops it\n")
    while kafka.is_running:
        stop.wait(command.SECONDS_BETWEEN_LOOKS)
        if stop.requested:
            return 0
    tell("Kafka ended unexpectedly\n")
    return 1
