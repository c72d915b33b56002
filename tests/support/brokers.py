"""Which Kafka the tests run against, and why that one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from embedded_kafka import EmbeddedKafka
from tests.support.kafka_container import IMAGE, KafkaContainer, problem_with_docker
from tests.support.waiting import wait_until

# So that the tests need not wait long for what is waited for in earnest, and that records from long ago stay.
IMPATIENT = {
    "log.retention.ms": "-1",
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}
_ANSWER_SECONDS = 30
_TRY_SECONDS = 5


class Kafka(NamedTuple):
    """A broker that was started: where it is, what kills it, and what tells how it died, None while it lives."""

    servers: str
    kill: Callable[[], object]
    death: Callable[[], str | None]


class Broker(NamedTuple):
    """A broker that has been chosen and not been started: what it is and why, and how it starts."""

    description: str
    start: Callable[[], AbstractContextManager[Kafka]]


def choose_broker(environment: Mapping[str, str]) -> Broker:
    """Choose KAFKA_BOOTSTRAP_SERVERS, else Docker where it can be, else a child process."""
    servers = environment.get("KAFKA_BOOTSTRAP_SERVERS")
    if servers:
        return Broker(f"{servers}, because KAFKA_BOOTSTRAP_SERVERS says so", partial(given, servers))
    problem = problem_with_docker()
    if problem is None:
        return Broker(f"{IMAGE} in a container, because Docker answers", container)
    return Broker(f"embedded_kafka, because {problem}", embedded)


@contextmanager
def given(servers: str) -> Iterator[Kafka]:
    kafka = Kafka(servers, kill=lambda: None, death=lambda: None)
    expect_answer(kafka)
    yield kafka


@contextmanager
def container() -> Iterator[Kafka]:
    with KafkaContainer() as started:
        kafka = Kafka(started.bootstrap_servers, started.kill, started.death)
        expect_answer(kafka)
        yield kafka


@contextmanager
def embedded() -> Iterator[Kafka]:
    with EmbeddedKafka(properties=IMPATIENT) as started:
        kafka = Kafka(started.bootstrap_servers, started.kill, partial(death_of, started))
        expect_answer(kafka)
        yield kafka


def expect_answer(kafka: Kafka) -> None:
    """Wait until Kafka answers. Raises AssertionError where it does not, and at once where it has died."""
    wait_until(lambda: kafka.death() or answers(kafka.servers), _ANSWER_SECONDS, f"an answer from {kafka.servers}")
    death = kafka.death()
    assert death is None, death


def answers(servers: str) -> bool:
    try:
        return bool(
            AdminClient({"bootstrap.servers": servers, "log_level": 2}).list_topics(timeout=_TRY_SECONDS).brokers
        )
    except KafkaException:
        return False


def death_of(kafka: EmbeddedKafka) -> str | None:
    return None if kafka.is_running else str(kafka.failure("Kafka died"))
