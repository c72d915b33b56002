"""One broker for the whole session, names of its own for each test, and services that end with their test."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from xdist.scheduler import LoadScopeScheduling

from messaging.settings import CLIENTS
from tests.brokers import Broker, choose_broker
from tests.services import Services
from tests.topics import Names, unique_names

BROKER = pytest.StashKey[Broker]()
ANSWER_SECONDS = 60
# What shares a network and a port, or brokers of its own, stays in one process; all else goes to whichever is free.
TOGETHER = re.compile(r"(tests/containers)/|(tests/integration/test_secured)|tests/chaos/.*-(kafka-python|confluent)")


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
def broker(pytestconfig: pytest.Config) -> Iterator[str]:
    """The servers of the session's broker, which starts with the first test that asks."""
    chosen = pytestconfig.stash[BROKER]
    with chosen.start() as servers:
        expect_answer(servers, chosen.description)
        yield servers


def expect_answer(servers: str, description: str) -> None:
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=servers, bootstrap_timeout_ms=ANSWER_SECONDS * 1000, reconnect_backoff_max_ms=500
        )
    except KafkaError as error:
        pytest.fail(f"no answer within {ANSWER_SECONDS} s: {description}; {error}", pytrace=False)
    admin.close()


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
    settings = {"KAFKA_BOOTSTRAP_SERVERS": broker, "KAFKA_CLIENT": client, **names.settings()}
    with closing(Services(settings, tmp_path)) as services:
        yield services
    print(*services.last_lines(), sep="\n")  # noqa: T201 - pytest shows it where a test has failed
