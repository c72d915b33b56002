"""A stall is never silent: the log says what does not go on although Kafka answers, and why."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from kafka.admin import MemberToRemove
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import MemberState

from detector.service import serve
from detector.settings import DetectorSettings
from embedded_kafka import EmbeddedKafka
from messaging import supervisor
from messaging.kafka_python import processor
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.brokers import IMPATIENT
from tests.support.services import Services
from tests.support.topics import (
    Names,
    create_topics,
    delete_topic,
    message,
    open_admin,
    open_consumer,
    raw_producer,
    send,
    write,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

SESSION_MS = "3000"


@pytest.fixture(scope="module")
def without_coordinator() -> Iterator[str]:
    """A broker that cannot make the topic in which groups are kept."""
    with EmbeddedKafka(properties={**IMPATIENT, "offsets.topic.replication.factor": "3"}) as kafka:
        yield kafka.bootstrap_servers


def test_a_detector_says_that_no_coordinator_is_named(
    without_coordinator: str, client: str, names: Names, tmp_path: Path
) -> None:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": without_coordinator, "KAFKA_CLIENT": client, **names.settings()}
    with closing(Services(settings, tmp_path)) as services:
        detector = services.start("detector")
        detector.wait_for_line(f"connected: joining the group {names.group}$")
        detector.wait_for_line(
            f"WARNING waiting for the group {names.group}: Kafka names no coordinator for it .offsets.topic.replic"
        )
        detector.wait_for_line(f"WARNING waiting for the group {names.group}: Kafka names no coordinator", count=2)
        detector.wait_for_line("summary: .* lag unknown$")
        assert not detector.matches("does not answer|reading|lag 0")
        assert detector.stop() == 0


@pytest.fixture(scope="module")
def without_transactions() -> Iterator[str]:
    """A broker that cannot make the topic in which Kafka transactions are kept."""
    with EmbeddedKafka(properties={**IMPATIENT, "transaction.state.log.replication.factor": "3"}) as kafka:
        yield kafka.bootstrap_servers


def test_a_detector_says_that_there_is_no_coordinator_of_kafka_transactions(
    without_transactions: str, client: str, names: Names, tmp_path: Path
) -> None:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": without_transactions, "KAFKA_CLIENT": client, **names.settings()}
    with closing(Services(settings, tmp_path)) as services:
        detector = services.start("detector")
        no_answer = (
            r"no answer from the coordinator of Kafka transactions \(transaction.state.log.replication.factor may exc"
        )
        detector.wait_for_line(f"WARNING cannot connect: {no_answer}.*; trying again with a new client$", 30)
        detector.wait_for_line(f"WARNING .*{no_answer}", 60, count=2)
        assert not detector.matches("Kafka does not answer|Traceback")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two failures in a row are too many, and a second is time enough."""
    monkeypatch.setattr(supervisor, "_MOST_FAILURES", 2)
    monkeypatch.setattr(supervisor, "_PAUSE_AFTER_FAILURE_SECONDS", 0.1)
    monkeypatch.setattr(supervisor, "_UNDISTURBED_SECONDS", 1.0)
    monkeypatch.setattr(processor, "_MOST_SECONDS_OUTSIDE_GROUP", 2)


@pytest.mark.usefixtures("impatient")
def test_a_detector_without_a_coordinator_of_kafka_transactions_gives_up(
    without_transactions: str, client: str, names: Names
) -> None:
    given_up = r"gave up after 2 consecutive failures, the last: cannot connect: .*transaction.state.log.repl"
    with pytest.raises(ServiceFailed, match=given_up):
        serve(detector_settings(without_transactions, client, names), Stop())


@pytest.mark.usefixtures("impatient")
def test_a_detector_that_kafka_python_cannot_get_into_its_group_gives_up(
    without_coordinator: str, names: Names
) -> None:
    given_up = "gave up after 2 consecutive failures, the last: not in the consumer group for 2 s: Kafka names no coord"
    with pytest.raises(ServiceFailed, match=given_up):
        serve(detector_settings(without_coordinator, "kafka-python", names), Stop())


def detector_settings(servers: str, client: str, names: Names) -> DetectorSettings:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_CLIENT": client, **names.settings()}
    return read_settings(DetectorSettings, settings)


def test_a_detector_that_falls_out_of_its_group_says_that_the_others_are_waited_for(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions)
    detector = services.start("detector", KAFKA_SESSION_TIMEOUT_MS=SESSION_MS)
    detector.wait_for_line("assigned: ")
    with closing(member_that_does_not_poll(broker, names)) as other:
        expel_all_but(broker, names.group, other)
        line = f"WARNING waiting for the group {names.group}: its coordinator waits until the other members have"
        detector.wait_for_line(line, count=2)
        assert not detector.matches("names no coordinator|does not answer")
    lines = len(detector.matches("assigned: "))
    detector.wait_for_line("assigned: ", count=lines + 1)
    assert detector.stop() == 0


def test_a_detector_names_the_offset_at_which_a_kafka_transaction_is_open(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=1)
    write(broker, [message(names.transactions, paid(1))])
    producer = raw_producer(broker, {"transactional.id": names.group, "transaction.timeout.ms": "600000"})
    producer.init_transactions()
    producer.begin_transaction()
    send(producer, [message(names.transactions, paid(2))])
    producer.flush()
    detector = services.start("detector")
    where = re.escape(f"committed records of {names.transactions}[0] end at offset 1")
    line = f"WARNING {where}: a Kafka transaction of another producer is open there; it ends .*kafka-transactions.sh"
    detector.wait_for_line(line, count=2)
    assert len(detector.matches(" LEGIT ")) == 1
    producer.commit_transaction()
    detector.wait_for_line(" LEGIT ", count=2)
    detector.wait_for_line("summary: .* lag 0$", count=len(detector.matches("summary: .* lag 0$")) + 1)
    assert not detector.matches("waiting for the group|trying again")
    assert detector.stop() == 0


def test_a_detector_says_that_its_topic_has_been_deleted(services: Services, broker: str, names: Names) -> None:
    create_topics(broker, *names.topics)
    detector = services.start("detector")
    detector.wait_for_line("assigned: ")
    delete_topic(broker, names.transactions)
    detector.wait_for_line(f"WARNING .*{names.transactions}.* (it does not exist|Unknown topic or partition)", 60)
    assert detector.stop() == 0


def paid(number: int) -> bytes:
    return b'{"id":"%d","source":"a","target":"b","amount":1}' % number


def member_that_does_not_poll(servers: str, names: Names) -> KafkaConsumer:
    """Return a member of the group that has joined and goes on living, but will not join again."""
    other = open_consumer(
        servers,
        group_id=names.group,
        heartbeat_interval_ms=500,
        partition_assignment_strategy=[CooperativeStickyAssignor],
    )
    other.subscribe([names.transactions])
    wait_until(lambda: has_joined(other), 20, "the other member to join")
    return other


def has_joined(consumer: KafkaConsumer) -> bool:
    """Poll, and tell whether it is a member that has been given its share."""
    consumer.poll(timeout_ms=100)
    return bool(consumer.assignment() and consumer.group_metadata().state == MemberState.STABLE)


def expel_all_but(servers: str, group: str, member: KafkaConsumer) -> None:
    with closing(open_admin(servers)) as admin:
        members = {each["member_id"] for each in admin.describe_groups([group])[group]["members"]}
        others = members - {member.group_metadata().member_id}
        assert others
        admin.remove_group_members(group, [MemberToRemove(member_id=other) for other in others])
