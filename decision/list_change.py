"""Change sets of lists, as they stand in their topic: members come, with an expiry and a note, or go, or all go."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from decision.history import NOTE_EXPECTED, decoded, is_note
from decision.members import EXPECTED, are_members, written

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
NAME_EXPECTED = "a list's name begins with a letter or a digit and has at most 100 letters, digits, dots, _ and -"
# Narrower than what Python reads, of which each edition of it reads something else.
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOUR_AND_MINUTE = "([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = re.compile(rf"{_DAY}T{_HOUR_AND_MINUTE}:[0-5][0-9](\.[0-9]{{1,6}})?(Z|[+-]{_HOUR_AND_MINUTE})")


class ListChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to a list: members come, or go; or all go, before others come.

    `base` is the version that its writer has seen: it is void where one of the members was changed after that, or, if
    all go, the list. `expires` is an RFC 3339 time: from then on, by the time of the transaction, they are no members.
    """

    name: str
    base: int
    add: Sequence[Any] = ()
    remove: Sequence[Any] = ()
    clear: bool = False
    expires: str | None = None
    note: str = ""


class ListChangeSet(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes that hold together; `id` is made once, so that a repetition is known."""

    format: int
    id: str
    author: str
    changes: Sequence[ListChange]


def problems(change_set: ListChangeSet) -> Iterator[str]:
    """Yield what is not allowed in a change set, in one line each."""
    for change in change_set.changes:
        if not NAME.fullmatch(change.name):
            yield NAME_EXPECTED
        if not is_note(change.note):
            yield NOTE_EXPECTED
        if not _is_time(change.expires):
            yield f"{written(str(change.expires))} is not a time such as 2026-12-24T18:00:00Z"
        if not (are_members(change.add) and are_members(change.remove)):
            yield EXPECTED


def time_of(text: str | None) -> datetime | None:
    """Return the time that a text names. Raises ValueError."""
    return None if text is None else datetime.fromisoformat(text)


def encode(change_set: ListChangeSet) -> bytes:
    """Return a change set as it stands in the topic: JSON."""
    return _encode(change_set)


def decode(value: bytes | None) -> ListChangeSet:
    """Return the change set of a record, which need not be allowed. Raises InvalidRecord."""
    return decoded(value, _decode)


def _is_time(text: str | None) -> bool:
    try:
        return text is None or (_TIME.fullmatch(text) is not None and time_of(text) is not None)
    except ValueError:
        return False


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(ListChangeSet, float_hook=Decimal).decode
