"""Reads single fields of a JSON object, exactly as they are written; slower than a decoder that knows what comes."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import msgspec

from payments.mapping import FieldValue, Path
from payments.transaction import LONGEST_SEEN, InvalidTransaction

Document = Mapping[str, msgspec.Raw]

TOO_DEEP = "nested too deeply"
_FRAME = b"\0"
_FRAME_BYTES = 5
_MOST_DIGITS = 4300  # of a whole number: what both msgspec and Python take
_WHOLE_NUMBER = re.compile(rb"-?[0-9]+")
_OBJECT, _ARRAY, _TEXT = b'{["'
_UNOPENED: Mapping[int, FieldValue] = {_OBJECT: {}, _ARRAY: []}
_NULL = msgspec.Raw(b"null")
_QUOTES = 2
_MOST_BYTES = 4  # of a character that is not written as \\ud83d\\ude00
_MOST_ESCAPED = 12  # of one that is
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_field = cast(
    "Callable[[bytes | msgspec.Raw], FieldValue]", msgspec.json.Decoder(Any, float_hook=Decimal).decode
)


def unframed(value: bytes) -> bytes:
    """Return the JSON in a value: serializers of a schema registry begin with a zero and the schema's four-byte id."""
    return value[_FRAME_BYTES:] if value[:1] == _FRAME else value


def read_document(value: bytes) -> Document:
    """Return the fields of a JSON object in UTF-8. Raises InvalidTransaction where it is none."""
    try:
        value.decode()  # msgspec does not look into the text of fields that it skips
        return _decode_object(value)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: {error.reason} at byte {error.start}"
    except msgspec.ValidationError as error:
        problem = str(error)
    except msgspec.DecodeError as error:
        problem = f"not JSON: {error}"
    except RecursionError:
        problem = TOO_DEEP
    raise InvalidTransaction(problem)


def find(document: Document, path: Path) -> bytes | None:
    """Return what is written in a field, None where there is none; of several with one name the last counts."""
    for step in path[:-1]:
        within = document.get(step)
        if within is None or not bytes(within).startswith(b"{"):
            return None
        document = _decode_object(within)
    found = document.get(path[-1])
    return None if found is None else bytes(found)


class Opened:
    """An object of a record; each object in it is parsed once, when something within is asked for."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._opened: dict[str, Opened] = {}

    def find(self, path: Path) -> msgspec.Raw | None:
        """Return what is written in a field, as `find` does."""
        around = self
        for step in path[:-1]:
            around = around.within(step)
        return around.document.get(path[-1])

    def within(self, step: str) -> "Opened":
        """Return an object in it, an empty one where there is none."""
        if step not in self._opened:
            written = self.document.get(step, _NULL)
            self._opened[step] = Opened(_decode_object(written) if memoryview(written)[0] == _OBJECT else {})
        return self._opened[step]


def written_fields(document: Document, within: Path = ()) -> Iterator[tuple[Path, bytes]]:
    """Yield each field that is no object, or an empty one, with what is written there."""
    for name, raw in document.items():
        written, path = bytes(raw), (*within, name)
        inner = _decode_object(raw) if written.startswith(b"{") else None
        if inner:
            yield from written_fields(inner, path)
        else:
            yield path, written


def text_of(written: bytes) -> str | None:
    """Return the text that is written there, None where it is something else."""
    return _decode_text(written) if written.startswith(b'"') else None


def digits_of(written: bytes) -> str | None:
    """Return the digits of a whole number, None where it is something else."""
    if not _WHOLE_NUMBER.fullmatch(written):
        return None
    return "0" if written == b"-0" else written.decode()


def value_of(written: bytes | msgspec.Raw) -> FieldValue:
    """Return what is written there, as `Transaction.field` does."""
    try:
        return _decode_field(written)
    except (ValueError, InvalidOperation):
        read: FieldValue = _read_field(bytes(written).decode())
        return read


def glance_at(written: msgspec.Raw) -> FieldValue:
    """Return what is written there, as `Transaction.glance` does, in 10 us at most."""
    kind = memoryview(written)[0]
    if kind in _UNOPENED:
        return _UNOPENED[kind]
    if kind == _TEXT:
        return _short_text(written)
    return value_of(written) if len(written) <= LONGEST_SEEN else None


def _short_text(written: msgspec.Raw) -> str | None:
    size = len(written) - _QUOTES
    if size <= LONGEST_SEEN:
        return _decode_text(written)
    if size > _MOST_ESCAPED * LONGEST_SEEN or size > _MOST_BYTES * (LONGEST_SEEN + bytes(written).count(b"\\u")):
        return None
    text = _decode_text(written)
    return text if len(text) <= LONGEST_SEEN else None


def _whole_number(digits: str) -> int | None:
    return int(Decimal(digits)) if len(digits.lstrip("-")) <= _MOST_DIGITS else None


def _number(digits: str) -> Decimal | None:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


_read_field = json.JSONDecoder(parse_int=_whole_number, parse_float=_number).decode
