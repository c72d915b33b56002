"""The size of a message in bytes, as a record batch of its own, uncompressed.

Source: the record batch format v2 in Kafka's documentation ("Message Format").
"""

from messaging.batch import Message

_BATCH_HEADER_BYTES = 61
_ATTRIBUTES_AND_DELTAS_BYTES = 3


def batch_bytes(message: Message) -> int:
    """Return the size of a record batch that holds just this message; the broker compares it with max.message.bytes."""
    record = _ATTRIBUTES_AND_DELTAS_BYTES + _field_bytes(message.key) + _field_bytes(message.value)
    record += _varint_bytes(len(message.headers))
    for name, value in message.headers:
        record += _field_bytes(name.encode()) + _field_bytes(value)
    return _BATCH_HEADER_BYTES + _varint_bytes(record) + record


def _field_bytes(field: bytes | None) -> int:
    return 1 if field is None else _varint_bytes(len(field)) + len(field)


def _varint_bytes(number: int) -> int:
    """Return the length of a zigzag varint: seven bits a byte, one bit for the sign."""
    return ((number << 1).bit_length() + 6) // 7 or 1
