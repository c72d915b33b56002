from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction, Transaction
from payments.writing import TransactionWriter

READER = TransactionReader(DEFAULT_MAPPING)
WRITER = TransactionWriter(DEFAULT_MAPPING)


def written(amount: str) -> bytes:
    return b'{"id":"1","source":"a","target":"b","amount":%s}' % amount.encode()


def test_a_transaction_is_read_as_it_was_written() -> None:
    transaction = Transaction("1", "a", "b", Decimal("950.10"), "USD", "2026-01-01T00:00:00.000Z")
    read = READER.read(WRITER.write(transaction))
    assert astuple(read)[: len(astuple(transaction))] == astuple(transaction)


def test_the_amount_is_written_as_a_number_with_its_decimals() -> None:
    assert b'"amount":950.10,' in WRITER.write(Transaction("1", "a", "b", Decimal("950.10")))


@given(st.decimals(min_value=0, allow_nan=False, allow_infinity=False))
def test_every_finite_amount_is_read_exactly(amount: Decimal) -> None:
    assert READER.read(written(str(amount))).amount == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("900", "900"),
        ("900.00000000000000001", "900.00000000000000001"),
        ("9.0001e2", "900.01"),
        ("1E400", "1E400"),
        ('"900.01"', "900.01"),
        ('"0900"', "900"),
        ('"1e5"', "1e5"),
        ('"\\u0039"', "9"),
        ("-0", "0"),
        pytest.param("9" * 5000, "9" * 5000, id="5,000 digits"),
    ],
)
def test_numbers_and_strings_of_digits_are_amounts(text: str, amount: str) -> None:
    assert READER.read(written(text)).amount == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "null",
        "[900]",
        '{"amount":900}',
        "-1",
        '"-0.01"',
        '"NaN"',
        '"Infinity"',
        '""',
        '" 900"',
        '"9_00"',
        '"٩٠٠"',
        '"0x10"',
        '"nine"',
        "1e99999999999999999999",
        '"1e99999999999999999999"',
    ],
)
def test_what_is_not_an_amount_makes_it_no_transaction(text: str) -> None:
    with pytest.raises(InvalidTransaction, match="amount"):
        READER.read(written(text))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "no value"),
        (b"", "no value"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"transaction", "not JSON"),
        (written("NaN"), "not JSON"),
        (written("1") + b"}", "not JSON"),
        (b'{"id":"1"', "not JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"id":"\xff","source":"a","target":"b","amount":1}', "not UTF-8"),
        (b'{"id":"1","source":"a","target":"b","amount":1,"unknown":"\xff"}', "not UTF-8"),
        (b'{"id":"1","source":"\\ud800","target":"b","amount":1}', "not JSON"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b'{"source":"a","target":"b","amount":1}', "`id`"),
        (b'{"id":"1","target":"b","amount":1}', "`source`"),
        (b'{"id":"1","source":"a","amount":1}', "`target`"),
        (b'{"id":"1","source":"a","target":"b"}', "`amount`"),
        (b'{"id":true,"source":"a","target":"b","amount":1}', "id"),
        (b'{"id":"1","source":null,"target":"b","amount":1}', "source"),
        (b'{"id":"1","source":"a","target":["b"],"amount":1}', "target"),
        (b"[" * 100_000, "object"),
        (b'{"id":"1","source":"a","target":"b","amount":1,"unknown":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_a_transaction_is_refused_with_the_reason(value: bytes | None, problem: str) -> None:
    with pytest.raises(InvalidTransaction, match=problem):
        READER.read(value)


def test_fields_that_are_not_known_pass() -> None:
    assert READER.read(b'{"id":"1","source":"a","target":"b","amount":1,"more":{"of":[1]}}').id == "1"


@pytest.mark.parametrize(
    "extra",
    [
        b'"currency":5',
        b'"timestamp":null',
        b'"more":1',
        b'"currency":1e99999999999999999999',
        b'"timestamp":' + b"9" * 5000,
    ],
)
def test_only_id_source_target_and_amount_are_required(extra: bytes) -> None:
    transaction = READER.read(b'{"id":"1","source":"a","target":"b","amount":1,%s}' % extra)
    assert (transaction.currency, transaction.timestamp) == ("", "")


def test_currency_and_timestamp_are_read_where_they_are_text() -> None:
    value = b'{"id":"1","source":"a","target":"b","amount":1,"currency":"EUR","timestamp":"now"}'
    transaction = READER.read(value)
    assert (transaction.currency, transaction.timestamp) == ("EUR", "now")


@given(st.binary())
def test_any_bytes_are_a_transaction_or_refused(value: bytes) -> None:
    with suppress(InvalidTransaction):
        assert READER.read(value).amount >= 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["id", "source", "target", "amount", "x"], json_values)))
def test_any_object_is_a_transaction_or_refused(fields: dict[str, object]) -> None:
    with suppress(InvalidTransaction):
        assert READER.read(msgspec.json.encode(fields)).amount.is_finite()
