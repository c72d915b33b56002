"""Input that Kafka deletes before it is read: nothing is left out without a word."""

from contextlib import closing

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from messaging.batch import Message
from tests.support.conservation import committed_offset, wait_until_judged
from tests.support.services import Services
from tests.support.topics import Names, create_topics, message, open_admin, open_consumer, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

DELETED = r"WARNING .*\[0\]: Kafka has deleted up to ([\d,]+) records before they were read, offsets (\d+) to (\d+): "


def paid(topic: str, number: int) -> Message:
    return message(topic, f'{{"id":"{number}","source":"a","target":"b","amount":1}}'.encode())


def fill(servers: str, topic: str, numbers: range) -> None:
    write(servers, (paid(topic, number) for number in numbers))


def delete_before(servers: str, topic: str, offset: int) -> None:
    with closing(open_admin(servers)) as admin:
        admin.delete_records({TopicPartition(topic, 0): offset})


def commit(servers: str, names: Names, offset: int) -> None:
    """Let the group have read up to there."""
    with closing(open_consumer(servers, group_id=names.group)) as consumer:
        at = TopicPartition(names.transactions, 0)
        consumer.assign([at])
        consumer.commit({at: OffsetAndMetadata(offset, "", -1)})


def test_what_was_deleted_while_no_detector_ran_is_told_counted_and_found_by_the_audit(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=1)
    fill(broker, names.transactions, range(450))
    commit(broker, names, 100)
    delete_before(broker, names.transactions, 400)
    audit = services.start("audit")
    assert audit.wait(60) == 1
    assert audit.matches("^deleted unread +300$")
    detector = services.start("detector")
    assert detector.wait_for_line(DELETED).groups() == ("300", "100", "399")
    wait_until_judged(broker, names, 450)
    assert detector.stop() == 0
    assert detector.matches("stopped: judged 50, fraud 0, legit 50, dead letters 0, deleted unread 300$")
    assert not detector.matches("does not answer|new client")


def test_what_was_deleted_up_to_the_end_is_told_once_and_the_group_goes_on_behind_it(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=1)
    fill(broker, names.transactions, range(450))
    commit(broker, names, 100)
    delete_before(broker, names.transactions, 450)
    detector = services.start("detector")
    assert detector.wait_for_line(DELETED).groups() == ("350", "100", "449")
    wait_until_judged(broker, names, 450)
    assert detector.stop() == 0
    again = services.start("detector")
    fill(broker, names.transactions, range(450, 451))
    wait_until_judged(broker, names, 451)
    assert again.stop() == 0
    assert again.matches("stopped: judged 1, fraud 0, legit 1, dead letters 0$")
    assert not again.matches("WARNING")
    assert services.start("audit").wait(60) == 0


def test_what_is_deleted_while_a_detector_lags_behind_is_told_and_counted(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=1)
    detector = services.start("detector", LOG_TRANSACTIONS="none", KAFKA_SESSION_TIMEOUT_MS="60000")
    fill(broker, names.transactions, range(10))
    wait_until_judged(broker, names, 10)
    detector.pause()
    fill(broker, names.transactions, range(10, 40_000))
    delete_before(broker, names.transactions, 39_990)
    detector.resume()
    deleted, first, last = (int(text.replace(",", "")) for text in detector.wait_for_line(DELETED).groups())
    assert (last, last - first + 1) == (39_989, deleted)
    wait_until(lambda: committed_offset(broker, names) == 40_000, 30, "the end")
    assert detector.stop() == 0
    [told] = detector.matches(r"stopped: judged ([\d,]+), .* deleted unread ([\d,]+)$")
    assert sum(int(text.replace(",", "")) for text in told.groups()) == 40_000
    assert not detector.matches("does not answer|new client")


def test_a_group_that_has_committed_nothing_begins_at_the_first_record_without_a_word(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=1)
    fill(broker, names.transactions, range(20))
    delete_before(broker, names.transactions, 15)
    detector = services.start("detector")
    wait_until_judged(broker, names, 20)
    assert detector.stop() == 0
    assert detector.matches("stopped: judged 5, fraud 0, legit 5, dead letters 0$")
    assert not detector.matches("WARNING")
