"""One broker for as long as it lives, names of its own for each test, and services that end with their test."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from messaging.settings import CLIENTS
from tests.support.brokers import Broker, Kafka, choose_broker, expect_answer
from tests.support.services import SMALL_BATCHES, Services
from tests.support.shared import Shared
from tests.support.topics import Names, unique_names

BROKER = pytest.StashKey[Broker]()
# What shares a network and a port, or brokers of its own, stays in one process; all else goes to whichever is free.
TOGETHER = re.compile(
    r"(tests/containers)/|(tests/integration/test_(?:addresses|secured))|tests/chaos/.*-(kafka-python|confluent)"
)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[BROKER] = choose_broker(os.environ)


class Schedule(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        match = TOGETHER.match(nodeid)
        return nodeid if match is None else next(filter(None, match.groups()))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Schedule:
    return Schedule(config, log)


def pytest_report_header(config: pytest.Config) -> str:
    return f"Kafka: {config.stash[BROKER].description}"


@pytest.fixture(scope="session")
def brokers(pytestconfig: pytest.Config) -> Iterator[Shared[Kafka]]:
    """The session's broker, which starts with the first test that asks."""
    with closing(Shared(pytestconfig.stash[BROKER].start, expect_answer)) as brokers:
        yield brokers


@pytest.fixture
def broker(brokers: Shared[Kafka]) -> Iterator[str]:
    """The servers of a broker that answers; where it dies, that is said of this test, and the next gets another."""
    with brokers.lent() as kafka:
        yield kafka.servers


@pytest.fixture
def names() -> Names:
    return unique_names()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """Each client library in turn."""
    return str(request.param)


@pytest.fixture
def services(broker: str, client: str, names: Names, tmp_path: Path) -> Iterator[Services]:
    """Starts services on the session's broker, with one client, and topics and a group of their own."""
    settings = {"KAFKA_BOOTSTRAP_SERVERS": broker, "KAFKA_CLIENT": client, **SMALL_BATCHES, **names.settings()}
    with closing(Services(settings, tmp_path)) as services:
        yield services
    print(*services.last_lines(), sep="\n")  # noqa: T201 - pytest shows it where a test has failed
