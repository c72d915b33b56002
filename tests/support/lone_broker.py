"""A broker whose neighbour has died: topics can have a replica that is never in sync."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from embedded_kafka import EmbeddedKafka
from tests.support.brokers import IMPATIENT
from tests.support.waiting import wait_until

HALF_LED = "half-led"
_REPLICAS = [[1, 2]]
_LEAST = "min.insync.replicas"
_FENCED_SECONDS = 20
_PROPERTIES = {**IMPATIENT, "broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}


@contextmanager
def lone_broker() -> Iterator[EmbeddedKafka]:
    """Start two brokers, and kill the second, which alone has partition 1 of the topic HALF_LED."""
    survivor, neighbour = EmbeddedKafka(properties=_PROPERTIES), EmbeddedKafka(properties=_PROPERTIES)
    voters = f"1@127.0.0.1:{survivor.ports.controller}"
    survivor.properties["controller.quorum.voters"] = voters
    neighbour.properties |= {
        "node.id": "2",
        "process.roles": "broker",
        "controller.quorum.voters": voters,
        "listeners": ",".join(
            f"{name}://127.0.0.1:{port}"
            for name, port in (("CLIENTS", neighbour.ports.clients), ("BROKER", neighbour.ports.broker))
        ),
    }
    with ExitStack() as started:
        started.enter_context(survivor)
        started.enter_context(neighbour)
        wait_until(lambda: _brokers(survivor.bootstrap_servers) == 2, _FENCED_SECONDS, "the neighbour")
        _create([NewTopic(HALF_LED, 2, replica_assignment=[[1], [2]])], survivor.bootstrap_servers)
        neighbour.kill()
        wait_until(lambda: _brokers(survivor.bootstrap_servers) == 1, _FENCED_SECONDS, "the neighbour to be fenced")
        yield survivor


def create_half_replicated(servers: str, *names: str, least_in_sync: int) -> None:
    """Create topics of one partition with two replicas, of which one is in sync; return when they are there."""
    settings = {_LEAST: str(least_in_sync)}
    _create([NewTopic(name, len(_REPLICAS), replica_assignment=_REPLICAS, config=settings) for name in names], servers)


def change_least_in_sync(servers: str, *names: str, least_in_sync: int) -> None:
    """Change how many replicas must be in sync so that the topics take records."""
    entry = ConfigEntry(_LEAST, str(least_in_sync), incremental_operation=AlterConfigOpType.SET)
    resources = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in names]
    admin = AdminClient({"bootstrap.servers": servers})
    for changed in admin.incremental_alter_configs(resources).values():
        changed.result()


def _create(topics: Sequence[NewTopic], servers: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    for created in admin.create_topics(list(topics)).values():
        created.result()


def _brokers(servers: str) -> int:
    """Return how many brokers there are, 0 where the one that was asked is gone."""
    try:
        return len(AdminClient({"bootstrap.servers": servers, "log_level": 2}).list_topics(timeout=5).brokers)
    except KafkaException:
        return 0
