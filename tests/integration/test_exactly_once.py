"""Real processes on a real Kafka, killed, suspended and replaced: each transaction is judged once, and rightly."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_kafka import EmbeddedKafka
from tests.brokers import IMPATIENT
from tests.conservation import assert_each_judged_once, wait_until_judged
from tests.services import Service, Services
from tests.topics import Names, committed

pytestmark = pytest.mark.integration

QUIET = {"LOG_TRANSACTIONS": "none"}
QUICK = {"KAFKA_SESSION_TIMEOUT_MS": "6000", "BATCH_SIZE": "200", **QUIET}
ALL_FOUR = r"assigned: .*\[0\], .*\[1\], .*\[2\], .*\[3\]"
TWO = r"assigned: \S+, \S+$"
TAKEOVER_SECONDS = 15


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    """A broker of the test's own, to be killed and started."""
    with EmbeddedKafka(properties=IMPATIENT) as kafka:
        yield kafka


@pytest.fixture
def beside(kafka: EmbeddedKafka, client: str, names: Names, tmp_path: Path) -> Iterator[Services]:
    """Starts services on that broker."""
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "KAFKA_CLIENT": client, **names.settings()}
    services = Services(settings, tmp_path)
    yield services
    services.close()


def generate(services: Services, count: int, per_second: int = 0) -> Service:
    generator = services.start(
        "generator", TRANSACTION_COUNT=str(count), TRANSACTIONS_PER_SECOND=str(per_second), RANDOM_SEED="7", **QUIET
    )
    generator.wait_for_line("connected")
    return generator


def test_10_000_transactions_get_their_verdict_once(services: Services, broker: str, names: Names) -> None:
    generator = generate(services, 10_000)
    detector = services.start("detector", **QUIET)
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, 10_000)
    assert detector.stop() == 0
    assert_each_judged_once(broker, names, 10_000)
    assert generator.matches("stopped: sent 10,000$")
    assert detector.matches("stopped: judged 10,000, .* dead letters 0$")


def test_killed_detectors_lose_and_double_nothing(services: Services, broker: str, names: Names) -> None:
    chance = random.Random(7)
    generator = generate(services, 12_000, per_second=600)
    judged = 0
    for _ in range(4):
        detector = services.start("detector", **QUICK)
        judged += chance.randint(300, 900)
        wait_until_judged(broker, names, judged, seconds=TAKEOVER_SECONDS)
        detector.kill()
    services.start("detector", **QUICK)
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, 12_000, seconds=TAKEOVER_SECONDS)
    assert_each_judged_once(broker, names, 12_000)


def test_a_detector_joins_and_leaves_in_mid_stream(services: Services, broker: str, names: Names) -> None:
    generator = generate(services, 6_000, per_second=600)
    first = services.start("detector", **QUICK)
    first.wait_for_line(ALL_FOUR)
    second = services.start("detector", **QUICK)
    second.wait_for_line(TWO)
    first.wait_for_line(TWO)
    assert second.stop() == 0
    first.wait_for_line(ALL_FOUR, count=2)
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, 6_000)
    assert_each_judged_once(broker, names, 6_000)


def test_a_suspended_detector_that_wakes_up_doubles_nothing(services: Services, broker: str, names: Names) -> None:
    generator = generate(services, 15_000, per_second=500)
    sleeper = services.start("detector", **QUICK)
    sleeper.wait_for_line(ALL_FOUR)
    other = services.start("detector", **QUICK)
    other.wait_for_line(TWO)
    sleeper.wait_for_line(TWO)
    for time in (1, 2):
        sleeper.pause()
        other.wait_for_line(ALL_FOUR, count=time)
        sleeper.resume()
        sleeper.wait_for_line(TWO, count=time + 1)
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, 15_000)
    assert_each_judged_once(broker, names, 15_000)


def test_what_a_killed_generator_logged_as_sent_is_there_once(services: Services, broker: str, names: Names) -> None:
    generator = services.start("generator", TRANSACTIONS_PER_SECOND="500", LOG_FORMAT="json")
    generator.wait_for_line('"id":"', count=700)
    generator.kill()
    sent = [match[1] for match in generator.matches('"id":"([^"]+)"')]
    found = [(record.value or b"")[7:43].decode() for record in committed(broker, names.transactions)]
    assert len(found) == len(set(found))
    assert set(sent) <= set(found)


def test_a_killed_broker_comes_back_and_all_goes_on(kafka: EmbeddedKafka, beside: Services, names: Names) -> None:
    generator = generate(beside, 6_000, per_second=400)
    detector = beside.start("detector", **QUIET)
    wait_until_judged(kafka.bootstrap_servers, names, 500)
    kafka.kill()
    detector.wait_for_line("Kafka does not answer|waiting for Kafka")
    generator.wait_for_line("Kafka does not answer|waiting for Kafka")
    kafka.start()
    assert generator.wait(90) == 0
    wait_until_judged(kafka.bootstrap_servers, names, 6_000)
    assert_each_judged_once(kafka.bootstrap_servers, names, 6_000)


def test_the_pair_waits_for_a_kafka_that_starts_later(kafka: EmbeddedKafka, beside: Services) -> None:
    kafka.kill()
    pair = [beside.start("generator", TRANSACTIONS_PER_SECOND="50"), beside.start("detector")]
    for service in pair:
        service.wait_for_line("waiting for Kafka at localhost:.*", count=2)
        assert len(service.matches("WARNING")) <= 3
    kafka.start()
    pair[1].wait_for_line("LEGIT", count=20)
    assert [service.stop() for service in pair] == [0, 0]


def test_a_service_stops_in_time_while_kafka_is_away(kafka: EmbeddedKafka, beside: Services) -> None:
    pair = [beside.start("generator", TRANSACTIONS_PER_SECOND="50"), beside.start("detector")]
    pair[1].wait_for_line("LEGIT")
    kafka.kill()
    for service in pair:
        service.wait_for_line("Kafka does not answer|waiting for Kafka")
    for service in pair:
        assert service.stop() in (0, 1)
        assert not service.matches("Traceback")
