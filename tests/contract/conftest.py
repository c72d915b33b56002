"""Every contract test runs once for each implementation of the seam that is named here."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest
from confluent_kafka import Producer
from kafka.admin import MemberToRemove

from messaging.batch import Message
from messaging.supervisor import load_library
from tests.contract.stage import Meddling, Stage
from tests.support.in_memory_client import InMemoryCluster
from tests.support.topics import WRITE_SECONDS, Names, change_topic, delete_topic, open_admin, raw_producer, send

IMPLEMENTATIONS = [
    pytest.param("in-memory"),
    pytest.param("kafka-python", marks=pytest.mark.integration),
    pytest.param("confluent", marks=pytest.mark.integration),
]


@pytest.fixture(params=IMPLEMENTATIONS)
def stage(request: pytest.FixtureRequest, names: Names) -> Iterator[Stage]:
    """An implementation, with the first four of the names as topics of one partition."""
    make = in_memory if request.param == "in-memory" else on_kafka
    with closing(make(request, names)) as stage:
        stage.create_topics(1, names.topics)
        yield stage


@pytest.fixture
def topic_of_4(stage: Stage) -> str:
    """A topic of four partitions."""
    topic = f"{stage.names.transactions}-of-4"
    stage.create_topics(4, [topic])
    return topic


def in_memory(_request: pytest.FixtureRequest, names: Names) -> Stage:
    cluster = InMemoryCluster()
    return Stage(
        cluster,
        "nowhere:9",
        names,
        Meddling(
            expel=partial(expel_in_memory, cluster, names.group),
            compact=cluster.compacted.add,
            leave_open=partial(leave_open_in_memory, cluster),
            abort=lambda _message: None,  # it would leave nothing there
            delete=cluster.logs.pop,
        ),
    )


def on_kafka(request: pytest.FixtureRequest, names: Names) -> Stage:
    servers = request.getfixturevalue("broker")
    return Stage(
        load_library(request.param),
        servers,
        names,
        Meddling(
            expel=partial(expel, servers, names.group),
            compact=partial(change_topic, servers, settings={"cleanup.policy": "compact"}),
            leave_open=partial(leave_open, servers),
            abort=partial(abort, servers),
            delete=partial(delete_topic, servers),
        ),
    )


def expel_in_memory(cluster: InMemoryCluster, group: str) -> None:
    for member in tuple(cluster.groups[group].members):
        cluster.groups[group].leave(member)


def expel(servers: str, group: str) -> None:
    with closing(open_admin(servers)) as admin:
        members = [member["member_id"] for member in admin.describe_groups([group])[group]["members"]]
        assert members
        admin.remove_group_members(group, [MemberToRemove(member_id=member) for member in members])


def leave_open_in_memory(cluster: InMemoryCluster, message: Message) -> Callable[[], object]:
    at = (message.topic, message.partition or 0)
    cluster.open[at] = len(cluster.logs[message.topic][at[1]])
    cluster.append(message)
    return partial(cluster.open.pop, at)


def leave_open(servers: str, message: Message) -> Callable[[], object]:
    return written_in_a_transaction(servers, message).commit_transaction


def abort(servers: str, message: Message) -> None:
    written_in_a_transaction(servers, message).abort_transaction()


def written_in_a_transaction(servers: str, message: Message) -> Producer:
    settings = {"transactional.id": f"of-{message.topic}", "transaction.timeout.ms": "600000"}
    producer = raw_producer(servers, settings)
    producer.init_transactions()
    producer.begin_transaction()
    send(producer, [message])
    assert producer.flush(WRITE_SECONDS) == 0
    return producer
