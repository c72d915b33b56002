"""SIGTERM in mid-stream: the services' last line tells what the topics hold."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded_kafka import EmbeddedKafka
from tests.services import Services
from tests.topics import Names, committed, message, write

pytestmark = pytest.mark.integration

AMOUNTS = r"stopped: judged ([0-9,]+), fraud ([0-9,]+), legit ([0-9,]+), dead letters ([0-9,]+)$"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that nobody should connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


def test_both_stop_in_mid_stream_with_the_right_totals(services: Services, broker: str, names: Names) -> None:
    generator = services.start("generator", TRANSACTIONS_PER_SECOND="1000")
    detector = services.start("detector", BATCH_SIZE="200")
    detector.wait_for_line("LEGIT", count=1_000)
    write(broker, [message(names.transactions, b"no transaction")])
    detector.wait_for_line("WARNING dead letter: ")
    assert [service.stop() for service in (detector, generator)] == [0, 0]
    fraud, legit, dead = (len(committed(broker, topic)) for topic in (names.fraud, names.legit, names.dead_letter))
    totals = [int(total.replace(",", "")) for total in detector.wait_for_line(AMOUNTS).groups()]
    assert totals == [fraud + legit, fraud, legit, dead]
    assert (len(detector.matches("FRAUD")), len(detector.matches("LEGIT"))) == (fraud, legit)
    sent = int(generator.wait_for_line("stopped: sent ([0-9,]+)$")[1].replace(",", ""))
    assert len(generator.matches("SENT")) == sent == len(committed(broker, names.transactions)) - 1


@pytest.mark.parametrize("module", ["generator", "detector"])
def test_with_bad_settings_no_connection_is_made(services: Services, module: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    service = services.start(module, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}", TOPIC_PARTITIONS="none")
    assert service.wait(10) == 2
    assert service.lines == [f"{module}: TOPIC_PARTITIONS='none': expected a whole number from 1 to 10000"]
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_both_stop_in_time_while_kafka_is_away(client: str, names: Names, tmp_path: Path) -> None:
    with EmbeddedKafka() as kafka:
        settings = {**kafka.settings, "KAFKA_CLIENT": client, **names.settings()}
        with closing(Services(settings, tmp_path)) as services:
            pair = [services.start("generator", TRANSACTIONS_PER_SECOND="50"), services.start("detector")]
            pair[1].wait_for_line("LEGIT")
            kafka.kill()
            for service in pair:
                service.wait_for_line("Kafka does not answer|waiting for Kafka")
            for service in pair:
                assert service.stop() in (0, 1)
                assert not service.matches("Traceback")
