"""Batches that would take too long become smaller, and what a topic refuses for good holds up nothing."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from kafka.protocol.admin import AlterClientQuotasRequest

from embedded_kafka import EmbeddedKafka
from messaging.batch import Message
from tests.support.conservation import assert_each_judged_once, committed_offset, wait_until_judged
from tests.support.services import Services
from tests.support.topics import Names, change_topic, committed, create_topics, message, open_admin, write

pytestmark = pytest.mark.integration

SLOW_RULE = "tests.support.harmful_rules:is_slow_over_100"
LARGE_BATCHES = {"BATCH_SIZE": "10000"}
SMALLER = r"batches of at most [\d,]+ records, not 10,000: "
BYTES_A_SECOND = 40_000


def paid(topic: str, number: int, amount: int, key: bytes | None = b"a") -> Message:
    value = f'{{"id":"{number}","source":"a","target":"b","amount":{amount}}}'.encode()
    return message(topic, value, key)


def test_a_rule_that_becomes_slow_in_mid_stream_is_judged_with_in_small_batches(
    services: Services, broker: str, names: Names
) -> None:
    quick, slow = 3_000, 160
    create_topics(broker, names.transactions, partitions=1)
    write(broker, [paid(names.transactions, n, 1) for n in range(quick)])
    detector = services.start("detector", FRAUD_RULES=SLOW_RULE, LOG_TRANSACTIONS="none", **LARGE_BATCHES)
    wait_until_judged(broker, names, quick)
    write(broker, [paid(names.transactions, n, 101) for n in range(quick, quick + slow)])
    detector.wait_for_line(SMALLER + r"rules take (3[1-9]|[4-9]\d|\d{3,})\.\d ms a record")
    assert committed_offset(broker, names) < quick + slow
    wait_until_judged(broker, names, quick + 1)
    wait_until_judged(broker, names, quick + slow)
    assert detector.stop() == 0
    assert not detector.matches("records aborted|new client")
    assert_each_judged_once(broker, names, quick + slow)


@pytest.fixture
def throttling(client: str, names: Names, tmp_path: Path) -> Iterator[tuple[str, Services]]:
    """A broker of its own with a quota on producers, and services on it."""
    with EmbeddedKafka() as kafka:
        create_topics(kafka.bootstrap_servers, *names.topics, partitions=1)
        write(kafka.bootstrap_servers, [paid(names.transactions, n, 1) for n in range(12_000)])
        limit_producers(kafka.bootstrap_servers)
        settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "KAFKA_CLIENT": client, **LARGE_BATCHES}
        with closing(Services({**settings, **names.settings()}, tmp_path)) as services:
            yield kafka.bootstrap_servers, services
        print(*services.last_lines(), sep="\n")  # noqa: T201 - pytest shows it where a test has failed


def limit_producers(servers: str) -> None:
    """Allow each client so many bytes a second."""
    of_a_request = AlterClientQuotasRequest.EntryData
    entity = of_a_request.EntityData(entity_type="client-id", entity_name=None)
    quota = of_a_request.OpData(key="producer_byte_rate", value=float(BYTES_A_SECOND), remove=False)
    request = AlterClientQuotasRequest(entries=[of_a_request(entity=[entity], ops=[quota])], validate_only=False)
    with closing(open_admin(servers)) as admin:
        response = admin._manager.run(admin._manager.send, request)  # noqa: SLF001 - it has no other way
        assert [entry.error_code for entry in response.entries] == [0]


def test_a_quota_makes_batches_small_and_none_is_written_for_nothing(
    throttling: tuple[str, Services], names: Names
) -> None:
    servers, services = throttling
    detector = services.start("detector", LOG_TRANSACTIONS="none")
    wait_until_judged(servers, names, 12_000, 120)
    assert detector.matches(SMALLER + r"a quota of the broker \(producer_byte_rate\) delays each by ")
    assert detector.stop() == 0
    assert len(detector.matches("records aborted|new client")) <= 3  # until they fit: from 10,000 down to 1,250
    assert_each_judged_once(servers, names, 12_000)


def test_a_record_without_a_key_is_a_dead_letter_where_its_topic_demands_one(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, names.fraud, names.dead_letter, partitions=1)
    create_topics(broker, names.legit, partitions=1, settings={"cleanup.policy": "compact"})
    keyless = {0, 7, 8, 19}
    write(broker, [paid(names.transactions, n, 1 + n, None if n in keyless else b"a%d" % n) for n in range(20)])
    detector = services.start("detector")
    wait_until_judged(broker, names, 20)
    assert detector.stop() == 0
    assert detector.matches(f"dead letter: .*: {names.legit} takes no record without a key .cleanup.policy=compact.$")
    assert not detector.matches("records aborted|new client")
    assert numbers(broker, names.dead_letter) == sorted(keyless)
    assert numbers(broker, names.legit) == [n for n in range(20) if n not in keyless]
    assert services.start("audit").wait(60) == 0


def test_what_is_refused_after_the_topic_has_changed_is_a_dead_letter_too(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=1)
    detector = services.start("detector")
    write(broker, [paid(names.transactions, 0, 1, None)])
    wait_until_judged(broker, names, 1)
    change_topic(broker, names.legit, {"cleanup.policy": "compact"})
    write(broker, [paid(names.transactions, n, 1, None if n == 2 else b"a") for n in range(1, 4)])
    wait_until_judged(broker, names, 4)
    assert detector.stop() == 0
    assert detector.matches(r"dead letter: .* refused by the topic: .*( key |validate record$)")
    assert (numbers(broker, names.legit), numbers(broker, names.dead_letter)) == ([0, 1, 3], [2])


def test_a_compacted_topic_of_dead_letters_is_refused_in_one_line(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.dead_letter, settings={"cleanup.policy": "compact,delete"})
    detector = services.start("detector")
    assert detector.wait(60) == 1
    assert detector.matches(rf"DEAD_LETTER_TOPIC={names.dead_letter} is compacted and would lose dead letters: set ")
    assert not detector.matches("Traceback")


def numbers(servers: str, topic: str) -> Sequence[int]:
    """Return the numbers of the transactions in a topic of one partition."""
    return [int((record.value or b"").split(b'"')[3]) for record in committed(servers, topic)]
