"""Which Kafka the tests run against, and why that one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

from embedded_kafka import EmbeddedKafka
from tests.kafka_container import IMAGE, KafkaContainer, problem_with_docker

# So that the tests need not wait long for what is waited for in earnest, and that records from long ago stay.
IMPATIENT = {
    "log.retention.ms": "-1",
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}


class Broker(NamedTuple):
    """A broker that has been chosen and not been started: what it is and why, and how it starts."""

    description: str
    start: Callable[[], AbstractContextManager[str]]


def choose_broker(environment: Mapping[str, str]) -> Broker:
    """Choose KAFKA_BOOTSTRAP_SERVERS, else Docker where it can be, else a child process."""
    servers = environment.get("KAFKA_BOOTSTRAP_SERVERS")
    if servers:
        return Broker(f"{servers}, because KAFKA_BOOTSTRAP_SERVERS says so", lambda: nullcontext(servers))
    problem = problem_with_docker()
    if problem is None:
        return Broker(f"{IMAGE} in a container, because Docker answers", container)
    return Broker(f"embedded_kafka, because {problem}", embedded)


@contextmanager
def container() -> Iterator[str]:
    with KafkaContainer() as kafka:
        yield kafka.bootstrap_servers


@contextmanager
def embedded() -> Iterator[str]:
    with EmbeddedKafka(properties=IMPATIENT) as kafka:
        yield kafka.bootstrap_servers
