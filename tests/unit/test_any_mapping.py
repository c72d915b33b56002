"""Whatever the mapping: the detector reads what the generator writes, and the audit reads what the detector reads."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from hypothesis import assume, example, given
from hypothesis import strategies as st

from audit import reading
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING, FieldMapping, Path, field_path, shown
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction, Transaction
from payments.writing import TransactionWriter
from runtime.settings import InvalidSettings, read_settings

FIELDS = ("id", "source", "target", "amount", "currency", "timestamp")
NAMES = ("id", "source", "target", "amount", "currency", "timestamp", "x", "y", 'a "b".c\\', "a[0]")
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple)
TEXTS = st.text(st.characters(codec="utf-8"))
AMOUNTS = st.decimals(min_value=0, allow_nan=False, allow_infinity=False)
EXTREMES = st.sampled_from(("1e-1999999999999999990", "0e-1999999999999999997", "9e999999999999999999")).map(Decimal)
DEFAULT = Transaction("", "", "", Decimal(0))
UNITS = st.sampled_from(("auto", "s", "ms", "us", "ns"))


@st.composite
def mappings(draw: st.DrawFn) -> FieldMapping:
    """Draw a mapping that is possible; half of its paths are the defaults."""
    paths = {f"FIELD_{name.upper()}": name if draw(st.booleans()) else shown(draw(PATHS)) for name in FIELDS}
    for name in ("FIELD_ID", "FIELD_CURRENCY", "FIELD_TIMESTAMP"):
        paths[name] = draw(st.sampled_from(("", paths[name], paths[name])))
    texts = {**paths, "AMOUNT_SCALE": str(draw(st.integers(0, 18))), "TIMESTAMP_UNIT": draw(UNITS)}
    mapping = None
    with suppress(InvalidSettings):
        mapping = read_settings(FieldMapping, texts)
    assume(mapping)
    assert mapping is not None
    return mapping


json_values = st.recursive(
    *(
        st.none()
        | st.booleans()
        | st.integers()
        | AMOUNTS
        | EXTREMES
        | st.sampled_from(("1", "0900", "-0", "x"))
        | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=4),
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=6)


def record(value: bytes) -> Record:
    return Record("transactions", 3, 117, 1_700_000_000_000, b"a", value, ())


def as_json(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{as_json(name)}:{as_json(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def put(fields: dict[str, object], path: Path, value: object) -> None:
    """Put a value where the path leads, whatever is in its way."""
    *steps, last = path
    for step in steps:
        inner = fields.get(step)
        fields[step] = inner = inner if isinstance(inner, dict) else {}
        fields = inner
    fields[last] = value


def seen(transaction: Transaction | None, asked: Sequence[Path]) -> object:
    """Return all that a rule can see."""
    if transaction is None:
        return None
    fields = [getattr(transaction, name) for name in FIELDS]
    return [repr(field) for field in (*fields, *(transaction.field(*path) for path in asked))]


def read_by_the_detector(reader: TransactionReader, read: Record) -> Transaction | None:
    with suppress(InvalidTransaction):
        return reader.read(read.value, read)
    return None


@given(mappings(), st.builds(Transaction, TEXTS, TEXTS, TEXTS, AMOUNTS, TEXTS, st.integers(0, 10**9)))
def test_what_is_written_is_read(mapping: FieldMapping, written: Transaction) -> None:
    read = TransactionReader(mapping).read(TransactionWriter(mapping).write(written))
    for field in FIELDS:
        name = "written_time" if field == "timestamp" else field
        assert getattr(read, name) == getattr(written if field in mapping.paths else DEFAULT, name)


@given(mappings(), objects, st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)), st.lists(PATHS))
def test_the_audit_reads_what_the_detector_reads(
    mapping: FieldMapping, fields: dict[str, object], odd: dict[str, object], asked: list[Path]
) -> None:
    plain = {"id": "1", "source": "a", "target": "b", "amount": 1, "currency": "EUR", "timestamp": 1}
    for name, path in mapping.paths.items():
        put(fields, path, {**plain, **odd}[name])
    value = as_json(fields).encode()
    reader = TransactionReader(mapping)
    by_audit = seen(reading.read(record(value), mapping), asked)
    for _ in range(2):  # the second time with a decoder for what was asked
        assert seen(read_by_the_detector(reader, record(value)), asked) == by_audit


@given(json_values, st.lists(PATHS))
@example({"id": "1", "source": "a", "target": "b", "amount": Decimal("9" * 5000)}, [])
def test_the_audit_refuses_what_the_detector_refuses(value: object, asked: list[Path]) -> None:
    read = record(as_json(value).encode())
    by_detector = read_by_the_detector(TransactionReader(DEFAULT_MAPPING), read)
    assert seen(by_detector, asked) == seen(reading.read(read, DEFAULT_MAPPING), asked)


@given(st.binary())
def test_any_bytes_are_a_transaction_for_both_or_for_none(value: bytes) -> None:
    by_detector = read_by_the_detector(TransactionReader(DEFAULT_MAPPING), record(value))
    assert seen(by_detector, []) == seen(reading.read(record(value), DEFAULT_MAPPING), [])


@given(PATHS)
def test_a_path_is_read_as_it_is_shown(path: Path) -> None:
    assert field_path(shown(path)) == path
