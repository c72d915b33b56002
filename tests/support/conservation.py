"""Nothing lost, doubled or misrouted: what came in went out, each record once, in the right topic, in its order."""

import json
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal

from kafka import KafkaConsumer, TopicPartition

from messaging.batch import Record
from tests.support.topics import Names, committed, open_consumer
from tests.support.waiting import wait_until

ADDED = ("fraud.reason", "fraud.score", "shadow.reason", "rule.failed")


def wait_until_judged(servers: str, names: Names, count: int, seconds: float = 30) -> None:
    """Wait until the group has committed so many records of the topic `transactions`."""
    with closing(open_consumer(servers, group_id=names.group)) as consumer:
        partitions = [TopicPartition(names.transactions, n) for n in consumer.partitions_for_topic(names.transactions)]
        wait_until(lambda: _committed(consumer, partitions) >= count, seconds, f"{count} records judged")


def committed_offset(servers: str, names: Names) -> int:
    """Return how many records of the topic `transactions` the group has committed."""
    with closing(open_consumer(servers, group_id=names.group)) as consumer:
        partitions = consumer.partitions_for_topic(names.transactions)
        return _committed(consumer, [TopicPartition(names.transactions, number) for number in partitions])


def assert_each_judged_once(servers: str, names: Names, count: int) -> None:
    """Compare the verdicts with what was written, partition by partition and in order."""
    written = committed(servers, names.transactions)
    assert len(written) == count
    fraud = [record for record in written if is_fraud(record)]
    legit = [record for record in written if not is_fraud(record)]
    assert passed_on(committed(servers, names.fraud)) == passed_on(fraud)
    assert passed_on(committed(servers, names.legit)) == passed_on(legit)
    assert not committed(servers, names.dead_letter)


def is_fraud(record: Record) -> bool:
    amount: Decimal = json.loads(record.value or b"", parse_float=Decimal)["amount"]
    return amount > 900


def passed_on(records: Sequence[Record]) -> Sequence[tuple[object, ...]]:
    """Return what the detector leaves as it was, in the order of partition and offset."""
    return [(r.partition, r.key, r.value, r.timestamp, [h for h in r.headers if h[0] not in ADDED]) for r in records]


def _committed(consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> int:
    return sum(consumer.committed(partition) or 0 for partition in partitions)
