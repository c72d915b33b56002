"""What the ledger keeps of one partition of the input, a few bytes for each record."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import blake2b

from messaging.batch import Headers, Record

NO_KEY = -1  # never the hash of a key
NOT_FOUND, FOUND, FOUND_BY_CONTENT = 0, 1, 2
ACCEPTABLE, REFUSABLE, UNREADABLE = 0, 1, 2
_PRINT_BYTES = 16


class Partition:
    """The records by their index; `offsets` ascend, `found` is whether each was found.

    FOUND_BY_CONTENT: an output without a time of the input's is taken for it, and could be for another one like it.

    Of `kinds`, what is REFUSABLE may be a dead letter, whatever the rules say, and what is UNREADABLE must be one: it
    could not be read whole. The dead letters of both may lack value, key and headers, and have another timestamp.
    """

    def __init__(self) -> None:
        self.offsets = array("q")
        self.keys = array("q")
        self.identities = array("q")
        self.times = array("q")
        self.kinds = bytearray()
        self.found = bytearray()
        self._prints = bytearray()

    def append(self, record: Record, content: int, kind: int, identity: object) -> None:
        """Take the next record, with its fingerprint, its kind, and what tells it from others."""
        self.offsets.append(record.offset)
        self.keys.append(key_hash(record))
        self.identities.append(hash(identity))
        self.times.append(time_of(record))
        self.kinds.append(kind)
        self.found.append(NOT_FOUND)
        self._prints += content.to_bytes(_PRINT_BYTES)

    def index(self, offset: int) -> int | None:
        """Return the index of the record with that offset, None where there is none."""
        index = bisect_left(self.offsets, offset)
        return index if index < len(self.offsets) and self.offsets[index] == offset else None

    def print(self, index: int) -> int:
        """Return the fingerprint of a record."""
        return int.from_bytes(self._prints[index * _PRINT_BYTES : (index + 1) * _PRINT_BYTES])

    def missing(self) -> Iterator[int]:
        """Yield the index of each record that was not found."""
        index = self.found.find(NOT_FOUND)
        while index >= 0:
            yield index
            index = self.found.find(NOT_FOUND, index + 1)


def fingerprint(record: Record, headers: Headers) -> int:
    """Return a hash of 128 bits of what goes through the detector unchanged, with these headers, without the time."""
    content = (record.key, record.value, [*headers])
    return int.from_bytes(blake2b(repr(content).encode(), digest_size=_PRINT_BYTES).digest())


def time_of(record: Record) -> int:
    """Return its timestamp, in milliseconds since the epoch; 0 counts as 1, which librdkafka writes for it."""
    return record.timestamp or 1


def key_hash(record: Record) -> int:
    """Return a hash of the key, NO_KEY where there is none."""
    return NO_KEY if record.key is None else hash(record.key)
