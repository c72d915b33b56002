"""Reads single fields of a JSON object, exactly as they are written; slower than a decoder that knows what comes."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import msgspec

from payments.mapping import FieldValue, Path
from payments.transaction import InvalidTransaction

Document = Mapping[str, msgspec.Raw]

TOO_DEEP = "nested too deeply"
_FRAME = b"\0"
_FRAME_BYTES = 5
_MOST_DIGITS = 4300  # of a whole number: what both msgspec and Python take
_WHOLE_NUMBER = re.compile(rb"-?[0-9]+")
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_field = cast(
    "Callable[[bytes | msgspec.Raw], FieldValue]", msgspec.json.Decoder(Any, float_hook=Decimal).decode
)
_read_field: Callable[..., FieldValue] = json.loads


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
    except (msgspec.ValidationError, InvalidOperation):
        return _read_field(bytes(written), parse_int=_whole_number, parse_float=_number)


def _whole_number(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= _MOST_DIGITS else None


def _number(digits: str) -> Decimal | None:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None
