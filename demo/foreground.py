"""From the command line to the exit code."""

import argparse
import os
from collections.abc import Sequence

from demo.screen import Screen, chosen_look
from demo.service import Service, started
from demo.settings import OWN, mistakes_in_settings, settings_of
from embedded_kafka.choice import Choice, add_options, read_choice
from embedded_kafka.command import SECONDS_BETWEEN_LOOKS
from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.opening import AnyKafka, opened
from embedded_kafka.secured import SecuredKafka
from embedded_kafka.waiting import Stopped, Waiting, tell
from runtime.service import EXIT_BAD_SETTINGS
from runtime.settings import environment
from runtime.stop import Stop

SERVICES = ("generator", "detector")
EXIT_FAILED = 1
DESCRIPTION = """\
Runs Kafka, the generator and the detector on this machine until Ctrl-C. Settings come from the environment and .env;
those that say how to reach another Kafka are ignored."""


def main(stop: Stop) -> int:
    """Return the exit code: 0 when stopped, 1 when Kafka fails, 2 for bad settings, or that of a service that ended."""
    options = _parser().parse_args()
    waiting = Waiting(stop)
    try:
        return _check_and_run(options, waiting)
    except Stopped:
        return 0
    except EmbeddedKafkaError as error:
        waiting.done()
        tell(f"{error}\n")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/demo", description=DESCRIPTION)
    add_options(parser)
    return parser


def _check_and_run(options: argparse.Namespace, waiting: Waiting) -> int:
    choice, mistakes = read_choice(options)
    mistakes = list(dict.fromkeys([*mistakes, *mistakes_in_settings(SERVICES, waiting)]))
    if choice is None or mistakes:
        tell("".join(f"{mistake}\n" for mistake in mistakes))
        return EXIT_BAD_SETTINGS
    settings = environment()
    screen = Screen(chosen_look(settings), waiting.stop)
    with opened(choice, waiting, {**settings, **OWN}) as kafka:
        tell(f"Kafka is ready on {kafka.bootstrap_servers}; {_of_the_data(choice)}\n")
        if isinstance(kafka, SecuredKafka):
            tell(f"For rules and lists: env $(cat {kafka.login_file('operator')}) scripts/run rules list\n")
            tell(f"To audit: env $(cat {kafka.login_file('audit')}) scripts/run audit\n")
        code = _run(kafka, screen, waiting.stop)
    if screen.failure is None:
        return code
    tell(f"standard output cannot be written: {screen.failure.strerror}\n")
    return EXIT_FAILED


def _of_the_data(choice: Choice) -> str:
    if choice.data_directory is None:
        return "its data is removed at the end (--data-directory keeps it)"
    return f"its data stays in {choice.data_directory}"


def _run(kafka: AnyKafka, screen: Screen, stop: Stop) -> int:
    environments = {name: {**os.environ, **settings_of(kafka, name)} for name in SERVICES}
    with started(environments, screen) as services:
        return _watch(kafka, services, stop)


def _watch(kafka: AnyKafka, services: Sequence[Service], stop: Stop) -> int:
    """Return the exit code as soon as one that cannot be done without has ended, or a stop is asked for."""
    running = list(services)
    while not stop.requested:
        if not kafka.is_running:
            tell("Kafka ended unexpectedly\n")
            return EXIT_FAILED
        for service in [each for each in running if each.exit_code is not None]:
            if service.exit_code != 0 or service.name != "generator":
                tell(f"the {service.name} ended unexpectedly, with exit code {service.exit_code}\n")
                return service.exit_code or 0
            tell("the generator has finished; the detector runs until Ctrl-C\n")
            running.remove(service)
        stop.wait(SECONDS_BETWEEN_LOOKS)
    return 0
