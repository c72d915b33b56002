"""The partition that a key belongs to, as Java's client has it, where an implementation of the seam must choose itself.

Source: MurmurHash2 by Austin Appleby, with the seed and the byte order of org.apache.kafka.common.utils.Utils.murmur2.
"""

import struct

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_32_BITS = 0xFFFFFFFF


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of the key, of so many."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Return the hash of the bytes, from 0 to 2**32 - 1."""
    whole = len(data) - len(data) % 4
    hashed = _SEED ^ len(data)
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        hashed = _multiplied(hashed) ^ _multiplied(_mixed(_multiplied(word), 24))
    if rest := data[whole:]:
        hashed = _multiplied(hashed ^ int.from_bytes(rest, "little"))
    return _mixed(_multiplied(_mixed(hashed, 13)), 15)


def _multiplied(number: int) -> int:
    return number * _FACTOR & _32_BITS


def _mixed(number: int, bits: int) -> int:
    return number ^ number >> bits
