"""The project under `docker compose`, as a user runs it: the real files, and the real command line."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from audit.settings import AuditSettings
from detector.settings import DetectorSettings
from generator.settings import GeneratorSettings
from rules.settings import RulesSettings
from runtime.settings import Setting, all_settings
from tests.support.topics import committed
from tests.support.waiting import BUSY, wait_until

ROOT = Path(__file__).parents[2]
PROJECT = "fraud-detection-tests"
NETWORK = "kafka-network"
SERVERS_ON_THE_HOST = "localhost:29092"
KAFKA_ALONE = ("-f", "docker-compose.kafka.yml")
CLUSTER = ("-f", "docker-compose.yml", "-f", "docker-compose.kafka-cluster.yml")
SECURED = ("-f", "docker-compose.yml", "-f", "docker-compose.secure.yml")
PAIR = ("generator", "detector")
# Another pace than the default, for more to happen in the time that a test takes.
SETTINGS = {"TRANSACTIONS_PER_SECOND": "20"}
START_SECONDS = 60
VERDICT = r"(LEGIT|FRAUD)\S* .* -> "  # the word may be in colour
_WORK = {"generator": r"SENT .* -> ", "detector": VERDICT}
_COMMAND_SECONDS = 120 * BUSY


def settings_of(service: str) -> Mapping[str, Setting]:
    """Return the settings of a service by their names."""
    settings_class = {
        "generator": GeneratorSettings,
        "detector": DetectorSettings,
        "audit": AuditSettings,
        "rules": RulesSettings,
    }[service]
    return {setting.name: setting for setting in all_settings(settings_class)}


def docker(*arguments: str) -> str:
    """Run a docker command that has to succeed, and return what it printed to standard output."""
    done = run(["docker", *arguments])
    assert done.returncode == 0, done.stderr
    return done.stdout


def compose(*arguments: str, settings: Mapping[str, str] | None = None, folder: Path = ROOT) -> str:
    """Run `docker compose`, which has to succeed, and return what it printed to standard output."""
    done = run(compose_words(*arguments), settings, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compose_words(*arguments: str, env_file: str = os.devnull) -> Sequence[str]:
    """Return the words of a `docker compose` command for the tests' project."""
    return ["docker", "compose", "--env-file", env_file, *arguments]


def run(
    words: Sequence[str], settings: Mapping[str, str] | None = None, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that holds just these settings of the project."""
    return subprocess.run(
        words,
        cwd=folder,
        env=environment(settings or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process' environment, but of the project and of compose only what is given and the tests' name."""
    of_the_project = {
        *settings_of("generator"),
        *settings_of("detector"),
        *settings_of("rules"),
        "FORCE_COLOR",
        "NO_COLOR",
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in of_the_project and not name.startswith("COMPOSE_")
    }
    return {**kept, "COMPOSE_PROJECT_NAME": PROJECT, **settings}


class Container:
    """One container of the stack, as it is when it is asked."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier

    @property
    def facts(self) -> dict[str, Any]:
        """All that `docker inspect` says."""
        facts: dict[str, Any] = json.loads(docker("inspect", self.identifier))[0]
        return facts

    @property
    def health(self) -> str:
        """Return starting, healthy or unhealthy."""
        return str(self.facts["State"]["Health"]["Status"])

    @property
    def lines(self) -> Sequence[str]:
        """Return what it has printed since it was created."""
        return docker("logs", self.identifier).splitlines()

    def wait_for_health(self, wanted: str, seconds: float = START_SECONDS) -> None:
        """Return when the health check says this."""
        wait_until(lambda: self.health == wanted, seconds, f"{wanted}: {self.identifier}")

    def python(self, code: str) -> str:
        """Run Python inside, as the user that the service has, and return what it prints."""
        return docker("exec", self.identifier, "python", "-c", code).strip()


class Log:
    """A container's log from now on."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._before = len(container.lines)

    def matches(self, pattern: str) -> Sequence[re.Match[str]]:
        """Return the first match of the pattern in each new line that has one."""
        lines = self._container.lines[self._before :]
        return [match for line in lines if (match := re.search(pattern, line))]

    def wait_for(self, pattern: str, seconds: float = START_SECONDS, *, count: int = 1) -> None:
        """Return when so many new lines have the pattern."""
        seen = partial(self._has, pattern, count)
        try:
            wait_until(seen, seconds, f"{count} lines with {pattern!r} from {self._container.identifier}")
        except AssertionError:
            print(compose("ps", "--all"), compose("logs", "--tail", "30"))  # noqa: T201 - pytest shows it
            raise

    def _has(self, pattern: str, count: int) -> bool:
        return len(self.matches(pattern)) >= count


def containers(service: str) -> Sequence[Container]:
    """Return the service's containers, stopped ones too."""
    return [Container(identifier) for identifier in compose("ps", "--all", "--quiet", service).split()]


def container(service: str) -> Container:
    """Return the service's only container."""
    (only,) = containers(service)
    return only


def remove_everything() -> None:
    """Remove what any earlier start has left: containers, network, volumes, images."""
    compose("down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "5")


def compose_kafka(*arguments: str) -> str:
    """Run `docker compose` with the file that holds Kafka alone."""
    return compose(*KAFKA_ALONE, *arguments)


def start(*arguments: str) -> None:
    """Start everything, in the background."""
    compose("up", "--detach", *arguments, settings=SETTINGS)


def logs() -> Sequence[Log]:
    """Return the pair's logs from now on."""
    return [Log(container(service)) for service in PAIR]


def wait_until_it_goes_on() -> None:
    """Return when both services have done more work."""
    for log, work in zip(logs(), _WORK.values(), strict=True):
        log.wait_for(work, count=20)


def assert_every_transaction_is_judged_once() -> None:
    """Stop the generator, and compare what it has written with what the detectors make of it."""
    compose("stop", "generator")
    wait_until(_all_are_judged, START_SECONDS, "as many verdicts as transactions")
    assert Counter(_judged()) == Counter(values("transactions"))


def _all_are_judged() -> bool:
    return 0 < len(values("transactions")) <= len(_judged())


def _judged() -> Sequence[bytes | None]:
    return [*values("fraud"), *values("legit")]


def values(topic: str) -> Sequence[bytes | None]:
    """Return the values of all committed records of a topic, read from this machine."""
    return [record.value for record in committed(SERVERS_ON_THE_HOST, topic)]
