"""A secured cluster for each module that asks for one, and the command line for rules."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from embedded_kafka.secured import SecuredKafka
from tests.support.rules_command import RulesCommand
from tests.support.secured import PROPERTIES
from tests.support.shared import Shared
from tests.support.topics import Names


@contextmanager
def started(directories: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    kafka = SecuredKafka(directories.mktemp("secured"), names={})
    kafka.broker.properties |= PROPERTIES
    with kafka:
        yield kafka


def expect_alive(kafka: SecuredKafka) -> None:
    assert kafka.is_running, kafka.broker.failure("Kafka died")


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[SecuredKafka]]:
    with closing(Shared(partial(started, tmp_path_factory), expect_alive)) as clusters:
        yield clusters


@pytest.fixture
def secured(clusters: Shared[SecuredKafka]) -> Iterator[SecuredKafka]:
    with clusters.lent() as kafka:
        yield kafka


@pytest.fixture
def command(broker: str, client: str, names: Names, tmp_path: Path) -> RulesCommand:
    return RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": broker, "KAFKA_CLIENT": client, **names.settings()}, tmp_path)
