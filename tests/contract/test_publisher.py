"""Writing without reading: what is delivered, and what is still on its way."""

import pytest

from messaging.seam import ClientFailed
from tests.contract.stage import DEADLINE_SECONDS, POLL_SECONDS, Stage, deliver, values
from tests.support.topics import message
from tests.support.waiting import wait_until


def test_messages_are_delivered_in_the_order_of_sending(stage: Stage, topic_of_4: str) -> None:
    sent = [message(topic_of_4, str(n).encode(), str(n).encode(), partition=None) for n in range(500)]
    assert deliver(stage.publisher(), sent) == sent


def test_what_is_in_flight_is_counted_until_it_is_returned_as_delivered(stage: Stage) -> None:
    client = stage.publisher()
    assert client.in_flight == 0
    for number in range(3):
        client.send(message(stage.names.transactions, str(number).encode()))
        assert client.in_flight == number + 1
    delivered = 0
    while client.in_flight:
        delivered += len(wait_until(lambda: client.delivered(POLL_SECONDS), DEADLINE_SECONDS, "a delivery"))
        assert client.in_flight == 3 - delivered
    assert delivered == 3


def test_with_nothing_in_flight_nothing_is_delivered(stage: Stage) -> None:
    assert not stage.publisher().delivered(0.1)


def test_what_is_delivered_can_be_read_in_the_same_order(stage: Stage) -> None:
    sent = [message(stage.names.transactions, str(n).encode()) for n in range(500)]
    stage.write(sent)
    assert values(stage.read(stage.names.transactions, 500)) == values(sent)


def test_a_message_larger_than_its_topic_takes_fails_the_client(stage: Stage) -> None:
    client = stage.publisher()
    client.send(message(stage.names.transactions, b"x" * 2_000_000))
    with pytest.raises(ClientFailed):
        wait_until(lambda: client.delivered(POLL_SECONDS), DEADLINE_SECONDS, "a failure")


def test_closing_twice_raises_nothing(stage: Stage) -> None:
    client = stage.publisher()
    client.send(message(stage.names.transactions, b"value"))
    client.close()
    client.close()
