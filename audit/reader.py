"""Reads the records up to where a snapshot was taken. It joins no group and commits nothing."""

import time
from collections.abc import Iterator
from contextlib import closing

from audit.connection import or_refused
from messaging.batch import Offsets, Record
from messaging.confluent import open_reader
from messaging.seam import ClientFailed, Reader
from messaging.settings import ConnectionSettings
from runtime.service import ServiceFailed
from runtime.stop import Stop

_POLL_SECONDS = 0.5  # between two polls a stop is looked at
MOST_SILENT_SECONDS = 60.0


def read(connection: ConnectionSettings, starts: Offsets, ends: Offsets, stop: Stop) -> Iterator[Record]:
    """Yield the committed records from the starts up to the ends, those of a partition in their order.

    Waits for Kafka transactions that are open before the ends. Ends early when a stop is asked for, and raises
    ServiceFailed when nothing comes for a minute, or Kafka does not answer.
    """
    try:
        with or_refused(), closing(open_reader(connection, starts, ends)) as reader:
            yield from _records(reader, stop)
    except ClientFailed as failed:
        raise ServiceFailed(str(failed)) from failed


def _records(reader: Reader, stop: Stop) -> Iterator[Record]:
    heard = time.monotonic()
    while reader.left and not stop.requested:
        left = len(reader.left)
        records = reader.poll(_POLL_SECONDS)
        if records or len(reader.left) < left:
            heard = time.monotonic()
        elif time.monotonic() - heard > MOST_SILENT_SECONDS:
            raise silent(reader.left)
        yield from records


def silent(left: Offsets) -> ServiceFailed:
    """Return the failure where nothing has come for a minute from partitions that end at these offsets."""
    waiting = ", ".join(f"{topic}[{partition}] up to offset {end}" for (topic, partition), end in sorted(left.items()))
    return ServiceFailed(f"no records for a minute, perhaps because of an open Kafka transaction; unread: {waiting}")
