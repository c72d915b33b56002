"""What the ledger keeps of one partition of the input, a few bytes for each record."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import blake2b

from messaging.client import Headers, Record

NO_KEY = -1  # never the hash of a key
_PRINT_BYTES = 16
_NOT_FOUND = 0


class Partition:
    """The records by their index; `offsets` ascend, `allowed` is where each may be found, `found` whether it was."""

    def __init__(self) -> None:
        self.offsets = array("q")
        self.keys = array("q")
        self.identities = array("q")
        self.allowed = bytearray()
        self.found = bytearray()
        self._prints = bytearray()

    def append(self, record: Record, content: bytes, allowed: int, identity: object) -> None:
        """Take the next record, with its fingerprint, where it may be found, and what tells it from others."""
        self.offsets.append(record.offset)
        self.keys.append(key_hash(record))
        self.identities.append(hash(identity))
        self.allowed.append(allowed)
        self.found.append(_NOT_FOUND)
        self._prints += content

    def index(self, offset: int) -> int | None:
        """Return the index of the record with that offset, None where there is none."""
        index = bisect_left(self.offsets, offset)
        return index if index < len(self.offsets) and self.offsets[index] == offset else None

    def print(self, index: int) -> bytes:
        """Return the fingerprint of a record."""
        return bytes(self._prints[index * _PRINT_BYTES : (index + 1) * _PRINT_BYTES])

    def missing(self) -> Iterator[int]:
        """Yield the index of each record that was not found."""
        index = self.found.find(_NOT_FOUND)
        while index >= 0:
            yield index
            index = self.found.find(_NOT_FOUND, index + 1)


def fingerprint(record: Record, headers: Headers) -> bytes:
    """Return a hash of 128 bits of what goes through the detector unchanged, with these headers.

    A timestamp of 0 counts as 1, which librdkafka writes for it.
    """
    content = (record.key, record.value, record.timestamp or 1, [*headers])
    return blake2b(repr(content).encode(), digest_size=_PRINT_BYTES).digest()


def key_hash(record: Record) -> int:
    """Return a hash of the key, NO_KEY where there is none."""
    return NO_KEY if record.key is None else hash(record.key)
