"""The records of a fuzzing run, from a seeded generator of our own.

Hypothesis makes a few hundred records a second, because it keeps track of how to shrink them. Here the number counts:
the values come from lists of pieces, put together and damaged at random, some 100,000 a second.
"""

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from messaging.batch import Headers
from payments.mapping import FieldMapping, shown

LARGEST = 1_048_588
_HOUR = 3_600_000
_AMOUNTS = (
    *(
        b"1",
        b"900",
        b"900.00",
        b"900.01",
        b"1e3",
        b'"950.10"',
        b"0",
        b"-0",
        b"-1",
        b"1e400",
        b"1e999999999",
        b"1e-999999999",
    ),
    *(b"NaN", b'"NaN"', b"Infinity", b"1e99999999999999999999", b"true", b"null", b"[1]", b'"9_00"', b"01", b"1."),
    *(b"9" * 5_000, b'"' + b"9" * 10_000 + b'"', b"0." + b"9" * 1_000),
)
_MORE = (
    *(
        b"",
        b"",
        b"",
        b',"x":1',
        b',"currency":"EUR"',
        b',"currency":1e99999999999999999999',
        b',"id":7',
        b',"amount":901',
    ),
    *(
        b',"x":"\\ud800"',
        b',"x":"\\ud83d\\ude00"',
        b',"x":"\xff"',
        b',"x":' + b"[" * 50 + b"]" * 50,
        b',"x":' + b"[" * 5_000,
    ),
)
_TIMES = (b"1790000000", b"1790000000123", b"1790000000.5", b"1e9", b'"2026-01-01T00:00:00Z"', b'"1790000000"', b"0")
_ODD = (
    b"null",
    b"true",
    b"-1",
    b"1.5",
    b"[1]",
    b'{"a":1}',
    b'"\xff"',
    b'"\\ud800"',
    b"9" * 5_000,
    b"1e99999999999999999999",
)
_GARBAGE = (
    None,
    b"",
    b"\x00",
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"not JSON",
    b"\xef\xbb\xbf{}",
    b"[" * 10_000,
    b"\xff\xfe",
)
_STEPS = ("a", "é", "a.b", "a b", "#", "x\\")
_KEYS = (None, b"", b"a", b"\x00", b"\xff\xfe", "😀".encode())
_NAMES = ("", "trace", "fraud.reason", "__detector.errors.offset", "__detector.errors.message", "é", "x" * 200)
_HEADER_VALUES = (None, b"", b"1", b"\xff", b"x" * 500)
COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")


class ProducerRecord(NamedTuple):
    """A record to be written; its timestamp is in milliseconds since the epoch."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


def random_mapping(chance: random.Random) -> dict[str, str]:
    """Return settings that map the fields to paths of one to three steps, none of which leads through another."""
    settings = {
        "AMOUNT_SCALE": str(chance.choice((0, 2, 3))),
        "TIMESTAMP_UNIT": chance.choice(("auto", "s", "ms", "ns")),
    }
    for number, name in enumerate(("ID", "SOURCE", "TARGET", "AMOUNT", "CURRENCY", "TIMESTAMP")):
        steps = [f"{chance.choice(_STEPS)}{level}" for level in range(chance.randrange(3))]
        settings[f"FIELD_{name}"] = shown((*steps, f"{chance.choice(_STEPS)} {number}"))
    return settings


def strange(chance: random.Random, now: int) -> Iterator[ProducerRecord]:
    """Yield records of any form for ever, one in a thousand of them about as large as a broker takes, or larger."""
    while True:
        value = _large(chance) if chance.random() < 0.001 else _value(chance, _plain)
        yield ProducerRecord(_key(chance), value, _headers(chance), _timestamp(chance, now))


def mapped(mapping: FieldMapping, chance: random.Random, now: int) -> Iterator[ProducerRecord]:
    """Yield records for ever that are of any form, but often of one that the mapping fits."""
    make = partial(_mapped, mapping)
    while True:
        yield ProducerRecord(_key(chance), _value(chance, make), _headers(chance), _timestamp(chance, now))


def tiny(chance: random.Random, now: int) -> Iterator[ProducerRecord]:
    """Yield records of one to ten bytes for ever, without key and headers."""
    while True:
        yield ProducerRecord(None, chance.randbytes(chance.randrange(1, 11)), (), now)


def large(chance: random.Random, now: int) -> Iterator[ProducerRecord]:
    """Yield records for ever that are about as large as a broker takes."""
    while True:
        yield ProducerRecord(_key(chance), _large(chance), (), now)


def _value(chance: random.Random, make: Callable[[random.Random], bytes]) -> bytes | None:
    kind = chance.random()
    if kind < 0.2:
        return chance.choice(_GARBAGE)
    if kind < 0.3:
        return chance.randbytes(chance.randrange(200))
    whole = make(chance)
    return whole if kind < 0.8 else _damaged(chance, whole)


def _plain(chance: random.Random) -> bytes:
    return _transaction(chance.choice(_AMOUNTS), chance.choice(_MORE), b"%d" % chance.randrange(1_000_000))


def _mapped(mapping: FieldMapping, chance: random.Random) -> bytes:
    texts = (b'"a"', b'"b"', b"7", b"-0", b'"%d"' % chance.randrange(1_000_000))
    fields: dict[str, Any] = {"x": chance.choice((b"[]", b'{"x":1}', b"1e99999999999999999999"))}
    for name, (*steps, last) in mapping.paths.items():
        usual = {"amount": _AMOUNTS, "timestamp": _TIMES}.get(name, texts)
        branch = fields
        for step in steps:
            branch = branch.setdefault(step, {})
            branch = branch if isinstance(branch, dict) else {}
        branch[last] = chance.choice(usual if chance.random() < 0.98 else _ODD)
    frame = b"\0\0\0\0\1" if chance.random() < 0.1 else b""
    return frame + _json(fields)


def _json(written: Any) -> bytes:
    if isinstance(written, bytes):
        return written
    return b"{" + b",".join(json.dumps(name).encode() + b":" + _json(inner) for name, inner in written.items()) + b"}"


def _transaction(amount: bytes, more: bytes, itself: bytes = b"1") -> bytes:
    return b'{"id":"%s","source":"a","target":"b","amount":%s%s}' % (itself, amount, more)


def _damaged(chance: random.Random, whole: bytes) -> bytes:
    begin = chance.randrange(len(whole))
    return whole[:begin] + chance.randbytes(chance.randrange(3)) + whole[begin + chance.randrange(4) :]


def _large(chance: random.Random) -> bytes:
    """Return what the broker just takes, uncompressed; half of it can be compressed, and is larger then."""
    if chance.random() < 0.5:
        return chance.randbytes(LARGEST - chance.randrange(100, 10_000))
    size = chance.choice((LARGEST - 1_000, LARGEST, 2 * LARGEST, 4 * LARGEST))
    return _transaction(chance.choice((b"1", b"950", b"ten")), b',"x":"' + b"x" * size + b'"')


def _key(chance: random.Random) -> bytes | None:
    return b"%d" % chance.randrange(1_000) if chance.random() < 0.7 else chance.choice(_KEYS)


def _headers(chance: random.Random) -> Headers:
    kind = chance.random()
    if kind < 0.7:
        return ()
    count = 200 if kind > 0.999 else chance.randrange(1, 5)
    return [(chance.choice(_NAMES), chance.choice(_HEADER_VALUES)) for _ in range(count)]


def _timestamp(chance: random.Random, now: int) -> int:
    kind = chance.random()
    if kind < 0.7:
        return now
    return chance.choice((-1, 1, 1_000_000_000_000, now - 24 * _HOUR, now + _HOUR // 2, now - chance.randrange(now)))
