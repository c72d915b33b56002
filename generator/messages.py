"""What the generator sends: a transaction as a message, with its timestamp."""

from messaging.batch import Message
from payments.transaction import Transaction, write_transaction
from runtime.timing import now_ms, rfc3339


def as_message(topic: str, transaction: Transaction) -> Message:
    """Return the transaction as a message; its key is the source, so an account's transactions stay in order."""
    return Message(topic, transaction.source.encode(), write_transaction(transaction), (), now_ms(), None)


def timestamp() -> str:
    """Return the time as RFC 3339 in UTC with milliseconds."""
    return rfc3339(now_ms())
