"""What a client that has failed leaves at work: nothing."""

import dataclasses
import gc
from contextlib import closing

import psutil
import pytest

from embedded_kafka import EmbeddedKafka
from messaging.seam import ClientFailed, ClientLibrary
from messaging.settings import ConnectionSettings, GroupSettings
from messaging.supervisor import load_library
from messaging.topics import TopicShape
from runtime.settings import read_settings
from tests.contract.stage import Member, next_batch
from tests.support.topics import Names, message, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

END_SECONDS = 20


@pytest.fixture
def library(client: str) -> ClientLibrary:
    return load_library(client)


def at(kafka: EmbeddedKafka) -> ConnectionSettings:
    return read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers})


def group(names: Names) -> GroupSettings:
    return dataclasses.replace(read_settings(GroupSettings, names.settings()), transaction_timeout_ms=2_000)


def threads() -> int:
    gc.collect()  # librdkafka's end with their last object, which a failure's traceback may hold
    return psutil.Process().num_threads()


def test_a_processor_that_fails_in_a_commit_leaves_no_thread(library: ClientLibrary, names: Names) -> None:
    with EmbeddedKafka() as kafka:
        library.create_topics(at(kafka), dict.fromkeys(names.topics, TopicShape(1, 1)))
        write(kafka.bootstrap_servers, [message(names.transactions, b"any")])
        before = threads()
        fail_in_a_commit(library, kafka, names)
        wait_until(lambda: threads() <= before, END_SECONDS, f"{before} threads again")


def fail_in_a_commit(library: ClientLibrary, kafka: EmbeddedKafka, names: Names) -> None:
    with closing(library.open_processor(at(kafka), group(names), names.transactions)) as processor:
        client = Member(processor)
        next_batch(client)
        kafka.kill()
        with pytest.raises(ClientFailed):
            client.commit([message(names.legit, b"any")])


def test_a_publisher_that_is_closed_with_messages_in_flight_leaves_no_thread(
    library: ClientLibrary, names: Names
) -> None:
    with EmbeddedKafka() as kafka:
        library.create_topics(at(kafka), {names.transactions: TopicShape(1, 1)})
        before = threads()
        close_in_flight(library, kafka, names)
        wait_until(lambda: threads() <= before, END_SECONDS, f"{before} threads again")


def close_in_flight(library: ClientLibrary, kafka: EmbeddedKafka, names: Names) -> None:
    with closing(library.open_publisher(at(kafka))) as publisher:
        publisher.send(message(names.transactions, b"any"))
        wait_until(lambda: publisher.delivered(1), END_SECONDS, "a delivery")
        kafka.kill()
        publisher.send(message(names.transactions, b"any"))
