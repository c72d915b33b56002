"""Make transactions at a steady pace, each with the time of its making in its id.

    python steady_producer.py SERVERS TOPIC PER_SECOND SECONDS

Every second one is over 900. The time is that of the machine's monotonic clock in nanoseconds, in 20 digits.
"""

import sys
import time

from confluent_kafka import Producer

ACCOUNTS = 1_000
VALUE = (
    b'{"id":"%020d","source":"account-%04d","target":"account-0000","amount":%s,"currency":"USD",'
    b'"timestamp":"2026-01-01T12:00:00.000Z","note":"as long as the generator makes them, that is 190"}'
)


def main() -> None:
    """Make them all, and wait until they have arrived."""
    servers, topic, per_second, seconds = sys.argv[1:]
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 1, "enable.idempotence": True, "partitioner": "murmur2_random"}
    )
    producer.list_topics(topic)
    begin = time.monotonic()
    for number in range(int(per_second) * int(seconds)):
        _sleep_until(begin + number / int(per_second))
        _make(producer, topic, number)
    producer.flush()


def made_at(value: bytes) -> int:
    """Return the nanoseconds that a value carries."""
    return int(value[7:27])


def _make(producer: Producer, topic: str, number: int) -> None:
    account = number * 7919 % ACCOUNTS
    amount = b"950.10" if number % 2 else b"250.10"
    producer.produce(topic, VALUE % (time.monotonic_ns(), account, amount), b"account-%04d" % account)
    producer.poll(0)


def _sleep_until(moment: float) -> None:
    seconds = moment - time.monotonic()
    if seconds > 0:
        time.sleep(seconds)


if __name__ == "__main__":
    main()
