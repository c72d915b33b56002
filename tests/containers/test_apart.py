"""Kafka and the pair as two that live apart."""

from collections import Counter
from datetime import datetime
from itertools import pairwise

import pytest

from tests.containers import stack
from tests.support.waiting import BUSY

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("engine")]

WAITING = r"waiting for Kafka|Kafka does not answer"


def lives(service: str) -> tuple[str, int]:
    """Return when the service's container was started, and how often Docker had to restart it."""
    facts = stack.container(service).facts
    return facts["State"]["StartedAt"], facts["RestartCount"]


@pytest.mark.usefixtures("running")
def test_a_kafka_that_is_started_first_still_has_everything_and_is_used_by_the_pair() -> None:
    stack.assert_every_transaction_is_judged_once()
    before = stack.values("transactions")
    stack.compose("down")
    stack.compose_kafka("up", "--detach")
    kafka = lives("kafka")
    stack.start("--build")
    stack.wait_until_it_goes_on()
    assert lives("kafka") == kafka
    stack.assert_every_transaction_is_judged_once()
    assert not Counter(before) - Counter(stack.values("transactions"))


@pytest.mark.usefixtures("running")
def test_a_stopped_kafka_stops_nobody() -> None:
    before = {service: lives(service) for service in stack.PAIR}
    meanwhile = stack.logs()
    stack.compose_kafka("stop")
    for log in meanwhile:
        log.wait_for(WAITING, count=2)
    stack.compose_kafka("start")
    stack.wait_until_it_goes_on()
    assert {service: lives(service) for service in stack.PAIR} == before
    stack.assert_every_transaction_is_judged_once()


@pytest.mark.usefixtures("running")
def test_the_pair_waits_for_a_kafka_that_is_not_there_and_says_so_every_few_seconds() -> None:
    stack.compose_kafka("down")
    stack.compose("restart", *stack.PAIR)
    for log in stack.logs():  # without what those before have said, which on a busy machine waited too
        log.wait_for("waiting for Kafka at kafka:9092", count=2)
        times = [datetime.fromisoformat(match.string.split()[0]) for match in log.matches("waiting for Kafka at")]
        pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
        assert all(3 < pause < 12 * BUSY for pause in pauses)
    stack.compose_kafka("up", "--detach")
    stack.wait_until_it_goes_on()
    stack.assert_every_transaction_is_judged_once()


@pytest.mark.usefixtures("running")
def test_a_stopped_pair_leaves_kafka_alone_and_goes_on_where_it_was() -> None:
    kafka = lives("kafka")
    stack.compose("stop", *stack.PAIR)
    written = len(stack.values("transactions"))
    stack.start()
    stack.wait_until_it_goes_on()
    assert lives("kafka") == kafka
    stack.assert_every_transaction_is_judged_once()
    assert len(stack.values("transactions")) > written
