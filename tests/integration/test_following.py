"""A reader that follows goes on by itself when its broker does, and never waits for one."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from typing import NamedTuple

import psutil
import pytest

from embedded_kafka import EmbeddedKafka
from messaging.seam import FOLLOW, ClientFailed, Reader
from messaging.settings import ConnectionSettings
from messaging.supervisor import load_library
from messaging.topics import TopicShape
from runtime.settings import read_settings
from tests.support.brokers import IMPATIENT
from tests.support.topics import message, write
from tests.support.waiting import BUSY, wait_until

pytestmark = pytest.mark.integration

TOPIC = "rules"
AWAY_SECONDS = 6.0  # longer than an idle reader waits for an answer
AT_ONCE_SECONDS = 0.05
READ_SECONDS = 20
OPEN_SECONDS = 30


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(properties=IMPATIENT) as kafka:
        yield kafka


class Harm(NamedTuple):
    """What takes a broker away, and what brings it back."""

    begin: Callable[[EmbeddedKafka], object]
    end: Callable[[EmbeddedKafka], object]


def send(kafka: EmbeddedKafka, *, number: signal.Signals) -> None:
    listening = [each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    (process,) = {each.pid for each in listening if each.laddr and each.laddr.port == kafka.ports.clients}
    psutil.Process(process).send_signal(number)


HARMS: Mapping[str, Harm] = {
    "killed": Harm(EmbeddedKafka.kill, EmbeddedKafka.start),
    "suspended": Harm(partial(send, number=signal.SIGSTOP), partial(send, number=signal.SIGCONT)),
}


@pytest.mark.parametrize(
    ("client", "harm"), [("kafka-python", "killed"), ("confluent", "suspended")], indirect=["client"]
)
def test_without_its_broker_it_waits_for_nothing_and_with_it_goes_on(
    kafka: EmbeddedKafka, client: str, harm: str
) -> None:
    library, connection = load_library(client), settings(kafka, client)
    library.create_topics(connection, {TOPIC: TopicShape(1, 1)})
    end = library.end_offsets(connection, [TOPIC])[TOPIC, 0]
    write(kafka.bootstrap_servers, [message(TOPIC, b"before")])
    with closing(library.open_reader(connection, {(TOPIC, 0): end}, {(TOPIC, 0): FOLLOW})) as reader:
        assert next_records(reader) == [(end, b"before")]
        HARMS[harm].begin(kafka)
        try:
            looks = looks_while_away(reader)
            seconds_to_open = time_to_open(connection, client)
        finally:
            HARMS[harm].end(kafka)
        write(kafka.bootstrap_servers, [message(TOPIC, b"after")])
        assert next_records(reader) == [(end + 1, b"after")]
    assert sorted(looks)[len(looks) // 2] < AT_ONCE_SECONDS
    assert max(looks) < AT_ONCE_SECONDS * BUSY
    assert seconds_to_open < OPEN_SECONDS


def settings(kafka: EmbeddedKafka, client: str) -> ConnectionSettings:
    return read_settings(
        ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "KAFKA_CLIENT": client}
    )


def next_records(reader: Reader) -> list[tuple[int, bytes | None]]:
    records = wait_until(lambda: reader.poll(0), READ_SECONDS, "a record")
    return [(record.offset, record.value) for record in records]


def looks_while_away(reader: Reader) -> list[float]:
    """Look for records again and again while there is no broker; return how many seconds each time took."""
    looks: list[float] = []
    wait_until(partial(has_looked_long_enough, reader, looks, time.monotonic()), AWAY_SECONDS, "the time to pass")
    return looks


def has_looked_long_enough(reader: Reader, looks: list[float], since: float) -> bool:
    begin = time.monotonic()
    assert not reader.poll(0)
    looks.append(time.monotonic() - begin)
    return begin - since > AWAY_SECONDS


def time_to_open(connection: ConnectionSettings, client: str) -> float:
    """Return how many seconds it takes to open another reader, or until that is given up."""
    begin = time.monotonic()
    with suppress(ClientFailed):
        load_library(client).open_reader(connection, {}, {(TOPIC, 0): FOLLOW}).close()
    return time.monotonic() - begin
