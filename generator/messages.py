"""What the generator sends: a transaction as a message, with its timestamp."""

import time

from messaging.batch import Message
from payments.mapping import AUTO, PER_SECOND, WrittenTime
from payments.transaction import Transaction
from payments.writing import TransactionWriter
from runtime.timing import now_ms, rfc3339

_NANOSECONDS = 1_000_000_000


def as_message(topic: str, writer: TransactionWriter, transaction: Transaction) -> Message:
    """Return the transaction as a message; its key is the source, so an account's transactions stay in order."""
    return Message(topic, transaction.source.encode(), writer.write(transaction), (), now_ms(), None)


def written_time(unit: str) -> WrittenTime:
    """Return the time: a whole number in that unit, or RFC 3339 in UTC with milliseconds where it is `auto`."""
    return rfc3339(now_ms()) if unit == AUTO else time.time_ns() * PER_SECOND[unit] // _NANOSECONDS
