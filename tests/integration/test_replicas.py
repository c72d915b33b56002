"""Topics that take nothing, because too few of their replicas are in sync: the log says so, and not something else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.lone_broker import HALF_LED, change_least_in_sync, create_half_replicated, lone_broker
from tests.support.services import Services
from tests.support.topics import Names, committed, message, write

pytestmark = pytest.mark.integration

NOT_ENOUGH = "Not ?[Ee]nough"
ELSE = "does not answer|no answer"


@pytest.fixture(scope="module")
def lone() -> Iterator[str]:
    with lone_broker() as kafka:
        yield kafka.bootstrap_servers


@pytest.fixture
def near_it(lone: str, client: str, names: Names, tmp_path: Path) -> Iterator[Services]:
    """Starts services on that broker."""
    settings = {"KAFKA_BOOTSTRAP_SERVERS": lone, "KAFKA_CLIENT": client, **names.settings()}
    with closing(Services(settings, tmp_path)) as services:
        yield services
    print(*services.last_lines(), sep="\n")  # noqa: T201 - pytest shows it where a test has failed


def test_the_generator_says_why_nothing_is_delivered_and_delivers_it_later(
    near_it: Services, lone: str, names: Names
) -> None:
    create_half_replicated(lone, names.transactions, least_in_sync=2)
    generator = near_it.start("generator", TRANSACTION_COUNT="5", TRANSACTIONS_PER_SECOND="0")
    generator.wait_for_line(f"WARNING not (written|done) yet, trying again: .*{NOT_ENOUGH}", count=2)
    change_least_in_sync(lone, names.transactions, least_in_sync=1)
    assert generator.wait(20) == 0
    assert not generator.matches(ELSE)
    assert len(committed(lone, names.transactions)) == 5


def test_the_detector_says_why_nothing_is_written_from_some_moment_on_and_goes_on_later(
    near_it: Services, lone: str, names: Names
) -> None:
    create_half_replicated(lone, *names.topics, least_in_sync=1)
    write(lone, [message(names.transactions, paid(1))])
    # On a busy machine an answer may take longer than the default's 5 s, and then none has come.
    detector = near_it.start("detector", KAFKA_TRANSACTION_TIMEOUT_MS="15000")
    detector.wait_for_line(" LEGIT ")
    change_least_in_sync(lone, names.legit, least_in_sync=2)
    write(lone, [message(names.transactions, paid(2))])
    detector.wait_for_line(f"WARNING cannot write: .*{NOT_ENOUGH}.*; trying again with a new client$", seconds=60)
    detector.wait_for_line(f"WARNING .*{NOT_ENOUGH}", seconds=60, count=3)
    assert not detector.matches(ELSE)
    change_least_in_sync(lone, names.legit, least_in_sync=1)
    detector.wait_for_line(" LEGIT ", seconds=60, count=2)
    assert detector.stop() == 0
    assert [read.value for read in committed(lone, names.legit)] == [paid(1), paid(2)]


def test_a_detector_with_a_long_kafka_transaction_timeout_says_so_meanwhile(
    near_it: Services, lone: str, names: Names
) -> None:
    create_half_replicated(lone, *names.topics, least_in_sync=1)
    change_least_in_sync(lone, *names.outputs, least_in_sync=2)
    write(lone, [message(names.transactions, paid(1))])
    detector = near_it.start("detector", KAFKA_TRANSACTION_TIMEOUT_MS="600000")
    detector.wait_for_line(f"WARNING not (written|done) yet, trying again: .*{NOT_ENOUGH}", count=2)
    assert not detector.matches(f"{ELSE}|new client")
    change_least_in_sync(lone, *names.outputs, least_in_sync=1)
    detector.wait_for_line(" LEGIT ")
    assert detector.stop() == 0


def test_a_detector_names_a_partition_without_a_leader_and_judges_the_others(
    near_it: Services, lone: str, names: Names
) -> None:
    create_half_replicated(lone, *names.outputs, least_in_sync=1)
    write(lone, [message(HALF_LED, paid(1), partition=0)])
    detector = near_it.start("detector", TRANSACTIONS_TOPIC=HALF_LED)
    detector.wait_for_line(" LEGIT ")
    detector.wait_for_line(f"WARNING waiting for {HALF_LED}\\[1\\]: it has no leader", count=2)
    assert not detector.matches(f"new client|{HALF_LED}\\[0\\]: ")
    assert detector.stop() == 0


def paid(number: int) -> bytes:
    return b'{"id":"%d","source":"a","target":"b","amount":1}' % number
