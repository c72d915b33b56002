"""A cluster that makes a topic as soon as anybody asks for it, as Kafka does by default: it is not asked to."""

from collections.abc import Iterator

import pytest

from audit.auditor import Auditor
from audit.settings import AuditSettings
from embedded_kafka import EmbeddedKafka
from messaging.settings import ConnectionSettings
from messaging.supervisor import load_library
from messaging.topics import TopicShape
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.topics import Names, existing_topics

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def creating() -> Iterator[str]:
    with EmbeddedKafka(properties={"auto.create.topics.enable": "true", "num.partitions": "2"}) as kafka:
        yield kafka.bootstrap_servers


def test_the_services_make_topics_by_their_own_settings(creating: str, client: str, names: Names) -> None:
    connection = read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": creating})
    library = load_library(client)
    library.create_topics(connection, dict.fromkeys(names.topics, TopicShape(3, 1)))
    assert {topic.partitions for topic in library.describe_topics(connection, names.topics).values()} == {3}


def test_the_audit_makes_none(creating: str, names: Names) -> None:
    settings = read_settings(AuditSettings, {"KAFKA_BOOTSTRAP_SERVERS": creating, **names.settings()})
    with pytest.raises(ServiceFailed, match="there is no topic"):
        Auditor(settings, Stop())
    assert not existing_topics(creating) & set(names)
