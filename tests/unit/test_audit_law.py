"""The audit decides anew where a record belongs, and comes to what the README says."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from audit.law import Allowed, CodeRule, Law, judge
from audit.reading import identity
from messaging.batch import Headers, Record
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from payments.transaction import Transaction
from runtime.settings import read_settings

LARGEST = 200_000
PLAIN = Law(Decimal(900), (), LARGEST, refuses_times=False)


def paid(amount: str, more: str = "") -> bytes:
    return f'{{"id":"1","source":"a","target":"b","amount":{amount}{more}}}'.encode()


def record(value: bytes | None, headers: Headers = (), problem: str | None = None) -> Record:
    return Record("transactions", 0, 7, 1_700_000_000_000, b"a", value, headers, problem)


def allowed(value: bytes | None, law: Law = PLAIN) -> Allowed:
    return judge(record(value), law)[0]


def is_known(paid: Transaction) -> str | None:
    return "b is known" if paid.target == "b" else None


def never(_paid: Transaction) -> None:
    return None


def fails(_paid: Transaction) -> None:
    raise LookupError


@pytest.mark.parametrize("amount", ["900", "900.00", '"900"', "9e2", "0", "-0", "1e-400"])
def test_up_to_the_threshold_is_legit(amount: str) -> None:
    assert allowed(paid(amount)) == Allowed.LEGIT


@pytest.mark.parametrize("amount", ["900.01", '"900.01"', "9.0001e2", "900.00000000000000001", "1e400", "9" * 5000])
def test_over_the_threshold_is_fraud(amount: str) -> None:
    assert allowed(paid(amount)) == Allowed.FRAUD


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert allowed(paid("1", r',"\\ud83d":"\ud83d\ude00"')) == Allowed.LEGIT


def test_what_is_nested_deeper_than_every_parser_reads_may_be_anywhere() -> None:
    assert allowed(paid("1", ',"x":' + "[" * 199 + "]" * 199)) == Allowed.LEGIT
    assert allowed(paid("1", ',"x":' + "[" * 800 + "]" * 800)) == Allowed.ANYWHERE


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"not JSON",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[1]",
        b'"text"',
        paid("1")[:-1],
        paid("1") + b"}",
        b'{"source":"a","target":"b","amount":1}',
        b'{"id":1.0,"source":"a","target":"b","amount":1}',
        b'{"id":"1","source":null,"target":"b","amount":1}',
        b'{"id":"\\ud800","source":"a","target":"b","amount":1}',
        b'{"id":"1","source":"a","target":"b"}',
        b'{"id":"1","id":true,"source":"a","target":"b","amount":1}',
        paid("1", ',"x":["\\ud83d"]'),
        paid("1", ',"\\uDE00\\ud83d":1'),
        paid("1", ',"x":"')[:-1] + b'\xff"}',
        paid("1", ',"x":' + "[" * 100_000),
        *map(
            paid,
            [
                "true",
                "null",
                "[1]",
                '"NaN"',
                "NaN",
                "Infinity",
                "-0.01",
                '"ten"',
                '"1_0"',
                '" 1"',
                '"٩"',
                "1e9999999999999999999",
            ],
        ),
    ],
)
def test_what_is_no_transaction_is_a_dead_letter(value: bytes | None) -> None:
    assert allowed(value) == Allowed.DEAD_LETTER


def test_other_fields_pass_whatever_they_hold() -> None:
    assert allowed(paid("1", ',"x":1e9999999999999999999,"y":[{}],"currency":5')) == Allowed.LEGIT


def test_a_rule_of_the_users_makes_fraud_and_one_that_raises_a_dead_letter() -> None:
    quiet, knowing, failing = CodeRule("never", never), CodeRule("is_known", is_known), CodeRule("fails", fails)
    assert allowed(paid("1"), PLAIN._replace(code_rules=[quiet, knowing])) == Allowed.FRAUD
    assert allowed(paid("1"), PLAIN._replace(code_rules=[quiet])) == Allowed.LEGIT
    assert allowed(paid("1"), PLAIN._replace(code_rules=[quiet, failing])) == Allowed.DEAD_LETTER


def test_a_rule_that_raises_leaves_fraud_what_is_fraud_by_the_others() -> None:
    knowing, failing = CodeRule("is_known", is_known), CodeRule("fails", fails)
    assert allowed(paid("1"), PLAIN._replace(code_rules=[failing, knowing])) == Allowed.FRAUD
    assert allowed(paid("950"), PLAIN._replace(code_rules=[failing])) == Allowed.FRAUD


def test_a_record_that_cannot_be_read_whole_is_a_dead_letter_that_may_lack_something() -> None:
    assert judge(record(paid("1"), problem="a header"), PLAIN)[0] == Allowed.DEAD_LETTER | Allowed.SHORTENED


def test_a_record_about_as_large_as_the_topics_take_may_be_a_dead_letter_too() -> None:
    assert allowed(paid("1", ',"x":"%s"' % ("x" * LARGEST))) == Allowed.LEGIT | Allowed.DEAD_LETTER | Allowed.SHORTENED
    headers = [("name", b"x" * LARGEST)]
    assert judge(record(paid("950"), headers), PLAIN)[0] == Allowed.FRAUD | Allowed.DEAD_LETTER | Allowed.SHORTENED


@pytest.mark.parametrize("value", [paid("1"), paid("950"), b"not JSON", paid("1", ',"x":' + "[" * 800 + "]" * 800)])
def test_where_times_may_be_refused_any_record_may_be_a_dead_letter_too(value: bytes) -> None:
    expected = allowed(value) | Allowed.DEAD_LETTER | Allowed.SHORTENED
    assert allowed(value, PLAIN._replace(refuses_times=True)) == expected


def test_where_a_key_is_demanded_a_record_without_one_may_be_a_dead_letter_too() -> None:
    demanding = PLAIN._replace(refuses_keyless=True)
    keyless = replace(record(paid("1")), key=None)
    assert judge(keyless, demanding)[0] == Allowed.LEGIT | Allowed.DEAD_LETTER | Allowed.SHORTENED
    assert judge(keyless, PLAIN)[0] == judge(record(paid("1")), demanding)[0] == Allowed.LEGIT


def test_a_record_is_itself_by_its_id_else_by_its_value() -> None:
    assert {identity(record(paid(amount)), DEFAULT_MAPPING) for amount in "12"} == {"1"}
    assert identity(record(b"not JSON"), DEFAULT_MAPPING) == b"not JSON"
    without_id = read_settings(FieldMapping, {"FIELD_ID": ""})
    assert identity(record(paid("1")), without_id) == paid("1")
