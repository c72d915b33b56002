"""What all topics have in common that are histories of change sets: how far one is read, what became of a record.

A change set says what is to hold, and which version of that it starts from. Where somebody else has changed it
meanwhile, the set is void, as a whole. So nobody overwrites what he has not seen, and every reader comes to the same,
as long as all run the same edition of this program and of tzdata, whose zones a rule may name.
"""

import re
from collections.abc import Callable, Sequence
from decimal import InvalidOperation
from enum import Enum
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Struct

FORMAT = 1
_MOST_BYTES = 2_000_000  # of a record
_DIGEST_BYTES = 16
_LONGEST_NOTE = 1_000
NOTE_EXPECTED = f"a note is one line of at most {_LONGEST_NOTE:,} characters"
# Which characters can be printed is another matter with each edition of Python.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
T = TypeVar("T")


class InvalidRecord(Exception):
    """Bytes that are no record of such a topic; the message says why."""


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a topic has been read: its version, which is the offset behind the last record, 0 where there is none.

    `digest` is a hash over all records up to there: another history has another one, as long as it may be.
    """

    version: int = 0
    digest: str = ""

    def after(self, offset: int, value: bytes | None) -> "Reading":
        """Return how far it has been read with the record at an offset."""
        record = b"none" if value is None else b"some " + value
        whole = b"%s %d %s" % (self.digest.encode(), offset, record)
        return Reading(offset + 1, blake2b(whole, digest_size=_DIGEST_BYTES).hexdigest())


class Fate(Enum):
    """What became of a record of the history."""

    APPLIED = "applied"
    REPEATED = "repeated"  # as the same change set stands before it
    OUTDATED = "outdated"  # as somebody else had changed a part of it meanwhile
    INVALID = "invalid"


class Entry(NamedTuple):
    """A record of the history: the version that follows it, and what became of it.

    `problem` says why it was not applied; `change_set` is None where it cannot be read.
    """

    version: int
    fate: Fate
    change_set: Any
    problem: str = ""


class Book(Protocol):
    """What holds by the records that have been taken."""

    reading: Reading

    def take(self, offset: int, value: bytes | None) -> Entry:
        """Take the record at an offset, and return what became of it."""


def taken(
    version: int,
    value: bytes | None,
    decode: Callable[[bytes | None], T],
    judge: Callable[[T], tuple[Fate, str]],
    apply: Callable[[T], None],
) -> Entry:
    """Apply the change set of the record that leads to a version, if it can be read and is judged to be applied.

    `judge` returns what becomes of it, and why it is not applied.
    """
    try:
        change_set = decode(value)
    except InvalidRecord as error:
        return Entry(version, Fate.INVALID, None, str(error))
    fate, problem = judge(change_set)
    if fate is Fate.APPLIED:
        apply(change_set)
    return Entry(version, fate, change_set, problem)


def repeated(version: int) -> str:
    """Return why a change set is void that stands before it at a version."""
    return f"it is version {version} already"


def outdated(names: Sequence[str]) -> str:
    """Return why a change set is void that starts from earlier versions of these."""
    return f"changed by somebody else meanwhile: {', '.join(names)}"


def is_note(text: str) -> bool:
    """Tell whether a text may be a note."""
    return len(text) <= _LONGEST_NOTE and not _NOT_IN_A_LINE.search(text)


def decoded(value: bytes | None, decode: Callable[[bytes], T]) -> T:
    """Return what a record holds, which need not be allowed. Raises InvalidRecord."""
    if value and len(value) > _MOST_BYTES:
        raise InvalidRecord(f"{len(value):,} bytes, more than {_MOST_BYTES:,}")
    _raise_if_newer(value or b"")
    try:
        return decode(value or b"")
    except InvalidOperation:
        raise InvalidRecord("not understood: it has a number beyond all numbers") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(f"not understood: {error}") from None


def _raise_if_newer(value: bytes) -> None:
    try:
        written = _decode_format(value).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # of what kind it is will be said by who reads all of it
    if written != FORMAT:
        raise InvalidRecord(f"written in format {written} by another version of this program, which knows {FORMAT}")


class _Format(Struct):
    format: int


_decode_format = msgspec.json.Decoder(_Format).decode
