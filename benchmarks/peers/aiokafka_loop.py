"""The detector's work on aiokafka, exactly once as long as no rebalance comes: it commits without a group generation.

One getmany, one Kafka transaction. JSON is read by msgspec, the amount alone and as a float.
"""

import asyncio
import os
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

BATCH_SIZE = 10_000
THRESHOLD = 900


class Amount(msgspec.Struct, gc=False):
    """All that the routing looks at."""

    amount: float


async def main() -> None:
    """Route until the process is ended."""
    consumer, producer = open_consumer(), open_producer()
    await producer.start()
    await consumer.start()
    while True:
        polled = await consumer.getmany(timeout_ms=500, max_records=BATCH_SIZE)
        if polled:
            await route(producer, polled)


async def route(producer: AIOKafkaProducer, polled: Mapping[Any, Sequence[Any]]) -> None:
    """Write one batch and its offsets in one Kafka transaction."""
    fraud, legit = os.environ["FRAUD_TOPIC"], os.environ["LEGIT_TOPIC"]
    decode = msgspec.json.Decoder(Amount).decode
    async with producer.transaction():
        futures = [
            await producer.send(
                fraud if decode(read.value).amount > THRESHOLD else legit,
                read.value,
                read.key,
                read.partition,
                read.timestamp,
            )
            for reads in polled.values()
            for read in reads
        ]
        await asyncio.gather(*futures)
        offsets = {partition: reads[-1].offset + 1 for partition, reads in polled.items()}
        await producer.send_offsets_to_transaction(offsets, os.environ["CONSUMER_GROUP"])


def open_consumer() -> AIOKafkaConsumer:
    """Return a consumer that reads committed records only."""
    return AIOKafkaConsumer(
        os.environ["TRANSACTIONS_TOPIC"],
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=os.environ["CONSUMER_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )


def open_producer() -> AIOKafkaProducer:
    """Return a transactional producer."""
    return AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        transactional_id=str(uuid.uuid4()),
        max_batch_size=256 * 1024,
    )


if __name__ == "__main__":
    asyncio.run(main())
