"""The services as their user meets them: settings, log, pace, exit codes."""

import json
from itertools import pairwise

import pytest

from messaging.batch import Record
from tests.support.services import Services
from tests.support.topics import Names, committed

pytestmark = pytest.mark.integration

NOWHERE = {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"}


def fields(record: Record) -> dict[str, str]:
    read: dict[str, str] = json.loads(record.value or b"", parse_float=str)
    return read


BAD = {
    "generator": {"TOPIC_PARTITIONS": "0", "LOG_LEVEL": "loud", "ACCOUNTS": "1"},
    "detector": {"BATCH_SIZE": "many", "FRAUD_TOPIC": "legit", "LEGIT_TOPIC": "legit", "LOG_LEVEL": "loud"},
}


@pytest.mark.parametrize("module", BAD)
def test_bad_settings_are_named_together_before_kafka_is_touched(services: Services, module: str) -> None:
    service = services.start(module, **BAD[module])
    assert service.wait(10) == 2
    assert [line.partition("=")[0] for line in service.lines] == [f"{module}: {name}" for name in BAD[module]]


@pytest.mark.parametrize("module", ["generator", "detector"])
def test_a_service_that_waits_for_kafka_stops_at_once(services: Services, module: str) -> None:
    service = services.start(module, **NOWHERE)
    service.wait_for_line("WARNING waiting for Kafka at localhost:1: .*refused")
    assert service.stop() == 0


def test_every_line_of_the_json_log_is_an_object(services: Services) -> None:
    pair = [services.start(module, LOG_FORMAT="json") for module in ("generator", "detector")]
    pair[1].wait_for_line('"verdict":"fraud"', seconds=60)
    assert [service.stop() for service in pair] == [0, 0]
    events = [json.loads(line) for service in pair for line in service.lines]
    assert {event["service"] for event in events} == {"generator", "detector"}
    assert {"time", "level", "message"} <= set.intersection(*(set(event) for event in events))
    assert all(float(event["amount"]) > 900 for event in events if event.get("verdict") == "fraud")


def test_what_was_taken_on_is_delivered_before_the_generator_stops(
    services: Services, broker: str, names: Names
) -> None:
    generator = services.start("generator", TRANSACTIONS_PER_SECOND="2000", LOG_TRANSACTIONS="none")
    generator.wait_for_line("summary: sent")
    assert generator.stop() == 0
    total = int(generator.wait_for_line("stopped: sent ([0-9,]+)$")[1].replace(",", ""))
    assert len(committed(broker, names.transactions)) == total


def test_the_pace_does_not_drift(services: Services, broker: str, names: Names) -> None:
    generator = services.start("generator", TRANSACTIONS_PER_SECOND="200", TRANSACTION_COUNT="1600", LOG_FORMAT="json")
    assert generator.wait(30) == 0
    times = sorted(record.timestamp for record in committed(broker, names.transactions))
    assert len(times) == 1600
    held_up = sum(max(0, later - earlier - 1000) for earlier, later in pairwise(times))  # is not made up for
    assert times[-1] - times[0] - held_up == pytest.approx(1599 / 200 * 1000, abs=1000)


def test_a_suspended_generator_does_not_make_up_for_more_than_a_second(
    services: Services, broker: str, names: Names
) -> None:
    generator = services.start("generator", TRANSACTIONS_PER_SECOND="100", TRANSACTION_COUNT="700", LOG_FORMAT="json")
    other = services.start(
        "generator", TRANSACTIONS_PER_SECOND="100", TRANSACTIONS_TOPIC=names.legit + "-clock", LOG_FORMAT="json"
    )
    generator.wait_for_line('"id":"', count=100)
    generator.pause()
    seen = len(other.matches('"id":"'))
    other.wait_for_line('"id":"', count=seen + 400)
    generator.resume()
    assert generator.wait(30) == 0
    times = sorted(record.timestamp for record in committed(broker, names.transactions))
    gap_end = max(pairwise(times), key=lambda pair: pair[1] - pair[0])[1]
    assert sum(gap_end <= time < gap_end + 500 for time in times) <= 100 + 50 + 20


def test_the_same_seed_gives_the_same_accounts_and_amounts(services: Services, broker: str, names: Names) -> None:
    for topic in (names.transactions, names.transactions + "-again"):
        generator = services.start(
            "generator", RANDOM_SEED="7", TRANSACTION_COUNT="100", TRANSACTIONS_PER_SECOND="0", TRANSACTIONS_TOPIC=topic
        )
        assert generator.wait(30) == 0
    first, second = (
        [(fields(r)["source"], fields(r)["target"], fields(r)["amount"]) for r in committed(broker, topic)]
        for topic in (names.transactions, names.transactions + "-again")
    )
    assert len(first) == 100
    assert first == second


def test_a_transaction_is_on_the_wire_as_the_readme_says(services: Services, broker: str, names: Names) -> None:
    assert services.start("generator", TRANSACTION_COUNT="50").wait(30) == 0
    for record in committed(broker, names.transactions):
        read = fields(record)
        assert list(read) == ["id", "source", "target", "amount", "currency", "timestamp"]
        assert record.key == read["source"].encode()
        assert read["currency"] == "USD"
        assert len(read["amount"].partition(".")[2]) == 2
        assert len(read["timestamp"]) == len("2026-01-01T12:00:00.000Z")
