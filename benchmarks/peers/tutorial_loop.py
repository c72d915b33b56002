"""The loop that tutorials show, on kafka-python with its defaults: one record at a time, json, automatic commits.

Offsets are committed by the clock, whether or not what was sent has arrived: at most once after a crash.
"""

import json
import os

from kafka import KafkaConsumer, KafkaProducer

THRESHOLD = 900


def main() -> None:
    """Route until the process is ended."""
    servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    consumer = KafkaConsumer(
        os.environ["TRANSACTIONS_TOPIC"],
        bootstrap_servers=servers,
        group_id=os.environ["CONSUMER_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=True,
        value_deserializer=json.loads,
    )
    producer = KafkaProducer(bootstrap_servers=servers, value_serializer=as_json)
    fraud, legit = os.environ["FRAUD_TOPIC"], os.environ["LEGIT_TOPIC"]
    for record in consumer:
        topic = fraud if record.value["amount"] > THRESHOLD else legit
        producer.send(topic, key=record.key, value=record.value)


def as_json(transaction: object) -> bytes:
    """Return the transaction as it travels."""
    return json.dumps(transaction).encode()


if __name__ == "__main__":
    main()
