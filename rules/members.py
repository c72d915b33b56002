"""What is given as members of a list, as arguments or as lines, and how long they are to stay. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO, Any

import msgspec

from decision.members import EXPECTED, Member, is_member, key_of, member_of
from payments.mapping import HALF_A_CHARACTER
from rules.changes import NotPossible
from rules.text import one_line

_LONGEST_LINE = 10_000  # bytes; 256 characters have fewer, however they are written
_LONGEST_SHOWN = 60
_MOST_MISTAKES = 10
_DURATION = re.compile("([0-9]{1,9})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def members_given(arguments: Sequence[str], *, as_json: bool) -> Sequence[Member]:
    """Return members that are given as arguments, each once. Raises NotPossible."""
    return _each_once(_read_all(((one_line(text, _LONGEST_SHOWN), text) for text in arguments), as_json=as_json))


def members_in(file: IO[bytes], name: str, *, as_json: bool) -> Sequence[Member]:
    """Return the members in a file, one a line, each once; lines without anything in them are left out.

    Raises NotPossible with the first mistakes, each with the number of its line, and OSError.
    """
    return _each_once(_read_all(_lines(file, name), as_json=as_json))


def expiry(now_ms: int, duration: str) -> str:
    """Return the time that is so long after now, such as 90m, 12h, 30d or 4w. Raises NotPossible."""
    written = _DURATION.fullmatch(duration)
    if not written:
        raise NotPossible(f"{one_line(duration, _LONGEST_SHOWN)}: a duration is expected, such as 90m, 12h, 30d or 4w")
    number, unit = written.groups()
    try:
        until = datetime.fromtimestamp(now_ms // 1000, UTC) + timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError:
        raise NotPossible(f"{duration} from now is beyond the year 9999") from None
    return until.strftime("%Y-%m-%dT%H:%M:%SZ")


def _lines(file: IO[bytes], name: str) -> Iterator[tuple[str, str | None]]:
    """Yield the lines that have something in them, each behind its place, None for one that is not UTF-8."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        place = f"{name}, line {number}"
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            raise NotPossible(f"{place}: {EXPECTED}")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            yield place, None
            continue
        if text:
            yield place, text


def _read_all(texts: Iterable[tuple[str, str | None]], *, as_json: bool) -> Iterator[Member]:
    """Yield what is written. Raises NotPossible, behind the last of them, with the first mistakes."""
    mistakes: list[str] = []
    read = _from_json if as_json else _from_text
    for place, text in texts:
        try:
            yield read(text)
        except ValueError as problem:
            mistakes.append(f"{place}: {problem}")
        if len(mistakes) == _MOST_MISTAKES:
            break
    if mistakes:
        raise NotPossible("\n".join(mistakes))


def _from_text(text: str | None) -> Member:
    return _member(_whole(text))


def _from_json(text: str | None) -> Member:
    try:
        return _member(_decode(_whole(text)))
    except (msgspec.DecodeError, InvalidOperation, RecursionError):
        raise ValueError("it is not JSON, in which a text is written in double quotes") from None


def _whole(text: str | None) -> str:
    if text is None or HALF_A_CHARACTER.search(text):
        raise ValueError("it is not UTF-8")
    return text


def _member(value: Any) -> Member:
    if not is_member(value):
        raise ValueError(EXPECTED)
    return member_of(key_of(value))


def _each_once(members: Iterable[Member]) -> Sequence[Member]:
    return [member_of(key) for key in dict.fromkeys(map(key_of, members))]


_decode = msgspec.json.Decoder(float_hook=Decimal).decode
