"""The settings that say where the fields of a transaction are, and what is read by them."""

from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any
from unittest.mock import Mock

import pytest

from audit import reading
from messaging.batch import Record
from payments.decoded import DecodedTransaction
from payments.document import read_document
from payments.mapping import FieldMapping
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction, Transaction
from runtime.settings import InvalidSettings, read_settings
from tests.support.shapes import SHAPES


def mapping(**settings: str) -> FieldMapping:
    return read_settings(FieldMapping, settings)


def read(value: bytes, **settings: str) -> Transaction:
    return TransactionReader(mapping(**settings)).read(value)


def paid(more: str) -> bytes:
    return f'{{"id":"1","source":"a","target":"b","amount":1,{more}}}'.encode()


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("amount", ("amount",)),
        ("payload.after.amount", ("payload", "after", "amount")),
        (r"a\.b.c", ("a.b", "c")),
        (r"a\\.b", ("a\\", "b")),
        ("2.#text", ("2", "#text")),
        (r"items\[0]", ("items[0]",)),
    ],
)
def test_a_path_has_a_name_for_each_step(path: str, steps: tuple[str, ...]) -> None:
    assert mapping(FIELD_AMOUNT=path).amount == steps


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "a.",
        ".a",
        "a..b",
        "a\\",
        r"a\b",
        "items[0]",
        "items[0].amount",
        "items[].x",
        "a[*]",
        "a\udcff",
        "x" + ".x" * 50,
    ],
)
def test_a_path_that_cannot_be_is_a_bad_setting(path: str) -> None:
    with pytest.raises(InvalidSettings, match=r"FIELD_AMOUNT=.*expected a path"):
        mapping(FIELD_AMOUNT=path)


@pytest.mark.parametrize("target", ["source", "source.iban"])
def test_two_fields_in_one_place_are_a_bad_setting(target: str) -> None:
    with pytest.raises(InvalidSettings, match=r"FIELD_TARGET=.*not that of FIELD_SOURCE"):
        mapping(FIELD_TARGET=target)


def test_all_but_source_target_and_amount_may_lead_nowhere() -> None:
    nowhere = mapping(FIELD_ID="", FIELD_CURRENCY="", FIELD_TIMESTAMP="")
    assert nowhere.paths == {"source": ("source",), "target": ("target",), "amount": ("amount",)}
    with pytest.raises(InvalidSettings) as refused:
        mapping(FIELD_SOURCE="", FIELD_TARGET="", FIELD_AMOUNT="")
    assert [mistake.name for mistake in refused.value.mistakes] == ["FIELD_SOURCE", "FIELD_TARGET", "FIELD_AMOUNT"]


def test_without_an_id_the_place_is_it() -> None:
    record = Record("payments", 3, 117, 0, None, b'{"source":"a","target":"b","amount":1,"id":"x"}', ())
    assert TransactionReader(mapping(FIELD_ID="")).read(record.value, record).id == "payments-3-117"


@pytest.mark.parametrize(("written", "text"), [("7", "7"), ('"x"', "x"), ("-0", "0"), ("9" * 5000, "9" * 5000)])
def test_a_whole_number_is_an_id_by_its_digits(written: str, text: str) -> None:
    value = f'{{"id":{written},"source":{written},"target":{written},"amount":1}}'.encode()
    transaction = read(value)
    assert [transaction.id, transaction.source, transaction.target] == [text] * 3


@pytest.mark.parametrize(
    ("written", "scale", "amount"),
    [
        ("95010", "2", "950.10"),
        ('"95010"', "2", "950.10"),
        ("1", "18", "0.000000000000000001"),
        ("9" * 40, "2", "9" * 38 + ".99"),
        ("9.5e3", "2", "95"),
        ("1e-999999999999999999", "18", "1e-1000000000000000017"),
    ],
)
def test_amounts_in_parts_stay_exact(written: str, scale: str, amount: str) -> None:
    value = f'{{"id":"1","source":"a","target":"b","amount":{written}}}'.encode()
    assert read(value, AMOUNT_SCALE=scale).amount == Decimal(amount)


@pytest.mark.parametrize(
    ("written", "unit", "text"),
    [
        ("1790000000", "auto", "2026-09-21T14:13:20.000Z"),
        ("1790000000123", "auto", "2026-09-21T14:13:20.123Z"),
        ("1790000000123999", "auto", "2026-09-21T14:13:20.123Z"),
        ("1790000000123999999", "auto", "2026-09-21T14:13:20.123Z"),
        ("1790000000.5", "auto", "2026-09-21T14:13:20.500Z"),
        ("0", "auto", "1970-01-01T00:00:00.000Z"),
        ("1790000000", "ms", "1970-01-21T17:13:20.000Z"),
        ('"1790000000"', "s", "2026-09-21T14:13:20.000Z"),
        ('"0001790000000"', "s", "2026-09-21T14:13:20.000Z"),
        ('"%s"' % ("0" * 22), "s", "0" * 22),
        ('"1790000000"', "auto", "1790000000"),
        ('"2026-01-01T00:00:00Z"', "s", "2026-01-01T00:00:00Z"),
        ('"999999999999999999"', "s", "999999999999999999"),
        ("253402300799999", "ms", "9999-12-31T23:59:59.999Z"),
        ("1e-999999999", "s", "1970-01-01T00:00:00.000Z"),
        ("253402300800000", "ms", ""),
        ("-1", "s", ""),
        ("1e999999999", "s", ""),
        ("true", "s", ""),
    ],
)
def test_a_time_is_text_or_a_number_in_its_unit(written: str, unit: str, text: str) -> None:
    value = paid(f'"timestamp":{written}')
    assert read(value, TIMESTAMP_UNIT=unit).timestamp == text
    audited = reading.read(Record("t", 0, 0, 0, None, value, ()), mapping(TIMESTAMP_UNIT=unit))
    assert audited is not None
    assert audited.timestamp == text


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"FIELD_AMOUNT": "total"}, "`total` is missing"),
        ({"FIELD_AMOUNT": "a.b.c"}, "`a.b.c` is missing: `a.b` is 5"),
        ({"FIELD_AMOUNT": "a.x.c"}, "`a.x.c` is missing"),
        ({"FIELD_SOURCE": r"s\.x"}, r"`s\.x` is neither text nor a whole number: true"),
        ({"FIELD_TARGET": "list"}, "`list` is neither text nor a whole number: an array"),
        ({"FIELD_TARGET": "list.x"}, "`list.x` is missing: `list` is an array"),
        ({"FIELD_AMOUNT": "a"}, "`a` is not a number: an object"),
        ({"FIELD_AMOUNT": "debt"}, "`debt` is below 0: -3"),
        ({"FIELD_CURRENCY": "ccy"}, "`ccy` is missing"),
        ({"FIELD_CURRENCY": "debt"}, "`debt` is not text: -3"),
        ({"FIELD_TIMESTAMP": "list"}, "`list` is not a time: an array"),
        ({"FIELD_TIMESTAMP": "debt"}, "`debt` is not a time: -3"),
    ],
)
def test_what_is_missing_or_wrong_is_named_by_its_path(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidTransaction) as error:
        read(paid(r'"a":{"b":5},"s.x":true,"list":[1],"debt":-3'), **settings)
    assert str(error.value) == problem


@pytest.mark.parametrize("shape", SHAPES)
def test_other_shapes_are_read_alike_by_the_detector_and_the_audit(shape: str) -> None:
    settings, write = SHAPES[shape]
    value = write(7, 1, 12, 90_001)
    record = Record("transactions", 0, 7, 0, None, value, ())
    by_detector = TransactionReader(mapping(**settings)).read(value, record)
    by_audit = reading.read(record, mapping(**settings))
    assert by_detector.amount == Decimal("900.01")
    assert by_audit is not None
    for name in ("id", "source", "target", "amount", "currency", "timestamp"):
        assert getattr(by_detector, name) == getattr(by_audit, name)


def test_a_rule_sees_every_field() -> None:
    reader = TransactionReader(mapping())
    value = paid('"country":"DE","device":{"ip":"::1","a.b":[1,{"c":2.50}]},"n":null,"big":1e99999999999999999999')
    by_audit = reading.read(Record("t", 0, 0, 0, None, value, ()), mapping())
    assert by_audit is not None
    by_detector = (reader.read(value) for _ in range(2))  # the first time, fields that nobody has asked for before
    for transaction in chain(by_detector, [by_audit]):
        assert transaction.field("country") == "DE"
        assert transaction.field("device", "ip") == "::1"
        assert transaction.field("device", "a.b") == [1, {"c": Decimal("2.50")}]
        assert transaction.field("amount") == 1
        for missing in (("n",), ("big",), ("nope",), ("device", "nope"), ("country", "x"), ("nope", "x")):
            assert transaction.field(*missing) is None


def test_a_number_that_cannot_be_held_is_none_for_the_audit_too() -> None:
    value = paid('"big":1e99999999999999999999,"long":%s' % ("9" * 4301))
    transaction = reading.read(Record("t", 0, 0, 0, None, value, ()), mapping())
    assert transaction is not None
    for found in (transaction, read(value)):
        assert (found.field("big"), found.field("long")) == (None, None)


def test_only_what_was_read_from_a_record_has_other_fields() -> None:
    made = Transaction("1", "a", "b", Decimal(1))
    with pytest.raises(NotImplementedError):
        made.field("country")
    with pytest.raises(NotImplementedError):
        made.glance(("country",))


def test_what_a_rule_changes_stays_its_own() -> None:
    reader = TransactionReader(mapping())
    for _ in range(3):
        transaction = reader.read(paid('"device":{"ip":"::1"}'))
        device: Any = transaction.field("device")
        del device["ip"]
        assert transaction.field("device") == {"ip": "::1"}


def test_what_is_no_name_is_in_no_record() -> None:
    number: Any = 5
    assert read(paid('"5":1')).field(number) is None


class Name(StrEnum):
    """Names as some write them."""

    COUNTRY = "country"


def test_a_name_may_be_a_kind_of_text() -> None:
    reader = TransactionReader(mapping())
    for identity in ('"1"', "7"):
        value = b'{"id":%s,"source":"a","target":"b","amount":1,"country":"DE"}' % identity.encode()
        assert reader.read(value).field(Name.COUNTRY) == "DE"


def test_what_is_asked_for_is_parsed_again_only_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = Mock(side_effect=read_document)
    monkeypatch.setattr("payments.decoded.read_document", parsed)
    reader, value = TransactionReader(mapping()), paid('"country":"DE","device":{"ip":"::1"}')
    for _ in range(10):
        transaction = reader.read(value)
        assert (transaction.field("country"), transaction.field("device", "ip")) == ("DE", "::1")
    assert parsed.call_count == 1


@pytest.mark.parametrize("field", ["currency", "timestamp"])
def test_null_is_as_good_as_missing_where_that_may_be(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.reading.read_document", pytest.fail)  # which takes ten times as long
    assert getattr(read(paid(f'"{field}":null')), field) == ""


def test_names_that_no_field_can_have_are_answered_and_break_nothing() -> None:
    reader = TransactionReader(mapping())
    for identity in ('"1"', "7"):  # the decoder is built anew for the first number
        transaction = reader.read(b'{"id":%s,"source":"a","target":"b","amount":1}' % identity.encode())
        for path in (("\ud800",), ("x",) * 1000):
            assert transaction.field(*path) is None


def test_a_name_must_be_hashable_for_the_audit_too() -> None:
    nothing: Any = []
    read_by_audit = reading.read(Record("t", 0, 0, 0, None, paid('"x":1'), ()), mapping())
    assert read_by_audit is not None
    for transaction in (read(paid('"x":1')), read_by_audit):
        with pytest.raises(TypeError):
            transaction.field("x", nothing)


def test_whatever_is_asked_it_can_be_a_key_and_is_shown_as_before() -> None:
    reader, value = TransactionReader(mapping()), paid('"x":{"y":[1]}')
    read_by_audit = reading.read(Record("t", 0, 0, 0, None, value, ()), mapping())
    assert read_by_audit is not None
    transactions: list[Transaction] = [read_by_audit]
    for _ in range(2):
        transactions.append(reader.read(value))
        transactions[-1].field("x")
    assert len(set(map(hash, transactions))) == len(set(map(repr, transactions))) == 1


@pytest.mark.parametrize("written", ["1e-1999999999999999997", "10e-1999999999999999997", "0e-1999999999999999997"])
def test_an_amount_that_cannot_be_held_is_none(written: str) -> None:
    value = b'{"id":"1","source":"a","target":"b","amount":%s}' % written.encode()
    with pytest.raises(InvalidTransaction, match="`amount` is not a number: "):
        read(value, AMOUNT_SCALE="2")
    assert reading.read(Record("t", 0, 0, 0, None, value, ()), mapping(AMOUNT_SCALE="2")) is None
    assert read(value).amount == Decimal(written)


@pytest.mark.parametrize("levels", [300, *range(900, 1010, 2)])
def test_however_deeply_it_is_nested_it_is_a_transaction_or_refused(levels: int) -> None:
    for value in (
        paid('"timestamp":' + "[" * levels + "]" * levels),
        paid('"x":' + '{"x":' * levels + "1" + "}" * levels),
    ):
        for settings in ({}, {"FIELD_AMOUNT": ".".join("x" * 50)}):
            with suppress(InvalidTransaction):
                read(value, **settings)


def test_only_the_first_fifty_fields_that_rules_ask_for_are_decoded() -> None:
    reader, value = TransactionReader(mapping()), paid('"f59":1')
    for number in range(60):
        reader.read(value).field(f"f{number}")
    transaction = reader.read(value)
    assert isinstance(transaction, DecodedTransaction)
    assert set(transaction.asked.getters) == {(f"f{number}",) for number in range(50)}
    assert transaction.field("f59") == 1


def test_what_rules_ask_for_in_names_without_end_is_still_answered() -> None:
    reader = TransactionReader(mapping())
    value = paid(",".join(f'"x{number}":{number}' for number in range(200)))
    for _ in range(2):
        assert [reader.read(value).field(f"x{number}") for number in range(200)] == list(range(200))
