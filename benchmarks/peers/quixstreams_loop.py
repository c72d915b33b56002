"""The detector's work on Quix Streams with processing_guarantee="exactly-once".

It commits after 10,000 records, as the detector does, and after a second at the latest (its default, five seconds,
would wait that long at the end). JSON is read by msgspec, the amount alone and as a float; the bytes pass unchanged.
"""

import os
import tempfile
from functools import partial
from typing import Any

import msgspec
from quixstreams import Application

BATCH_SIZE = 10_000
COMMIT_SECONDS = 1.0
THRESHOLD = 900


class Amount(msgspec.Struct, gc=False):
    """All that the routing looks at."""

    amount: float


def main() -> None:
    """Route until the process is ended."""
    with tempfile.TemporaryDirectory() as directory:
        application = Application(
            broker_address=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            consumer_group=os.environ["CONSUMER_GROUP"],
            auto_offset_reset="earliest",
            processing_guarantee="exactly-once",
            commit_every=BATCH_SIZE,
            commit_interval=COMMIT_SECONDS,
            state_dir=directory,
            auto_create_topics=False,
            loglevel="WARNING",
        )
        connect(application)
        application.run()


def connect(application: Application) -> None:
    """Tell the application what flows where."""
    source, fraud, legit = (
        application.topic(
            os.environ[name], key_serializer="bytes", value_serializer="bytes", value_deserializer="bytes"
        )
        for name in ("TRANSACTIONS_TOPIC", "FRAUD_TOPIC", "LEGIT_TOPIC")
    )
    choose = partial(topic_of, msgspec.json.Decoder(Amount).decode, fraud, legit)
    application.dataframe(source).to_topic(choose)


def topic_of(decode: Any, fraud: Any, legit: Any, value: bytes, *_key_timestamp_headers: Any) -> Any:
    """Return the topic where the transaction belongs."""
    return fraud if decode(value).amount > THRESHOLD else legit


if __name__ == "__main__":
    main()
