"""The audit decides anew where a record belongs, and comes to what the README says."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from audit.demands import Demands
from audit.law import CodeRule, Destination, Law, judge
from audit.reading import identity
from messaging.batch import Headers, Record
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from payments.transaction import Transaction
from runtime.settings import read_settings

LARGEST = 200_000
PLAIN = Law(Decimal(900))


def paid(amount: str, more: str = "") -> bytes:
    return f'{{"id":"1","source":"a","target":"b","amount":{amount}{more}}}'.encode()


def record(value: bytes | None, headers: Headers = (), problem: str | None = None) -> Record:
    return Record("transactions", 0, 7, 1_700_000_000_000, b"a", value, headers, problem)


def belongs(value: bytes | None, law: Law = PLAIN) -> Destination:
    return judge(record(value), law).belongs


def is_known(paid: Transaction) -> str | None:
    return "b is known" if paid.target == "b" else None


def never(_paid: Transaction) -> None:
    return None


def fails(_paid: Transaction) -> None:
    raise LookupError


@pytest.mark.parametrize("amount", ["900", "900.00", '"900"', "9e2", "0", "-0", "1e-400"])
def test_up_to_the_threshold_is_legit(amount: str) -> None:
    assert belongs(paid(amount)) == Destination.LEGIT


@pytest.mark.parametrize("amount", ["900.01", '"900.01"', "9.0001e2", "900.00000000000000001", "1e400", "9" * 5000])
def test_over_the_threshold_is_fraud(amount: str) -> None:
    assert belongs(paid(amount)) == Destination.FRAUD


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert belongs(paid("1", r',"\\ud83d":"\ud83d\ude00"')) == Destination.LEGIT


def test_what_is_nested_deeper_than_every_parser_reads_may_be_anywhere() -> None:
    assert belongs(paid("1", ',"x":' + "[" * 199 + "]" * 199)) == Destination.LEGIT
    assert belongs(paid("1", ',"x":' + "[" * 800 + "]" * 800)) == Destination.ANYWHERE


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
    assert belongs(value) == Destination.DEAD_LETTER


def test_other_fields_pass_whatever_they_hold() -> None:
    assert belongs(paid("1", ',"x":1e9999999999999999999,"y":[{}],"currency":5')) == Destination.LEGIT


def test_a_rule_of_the_users_makes_fraud_and_one_that_raises_a_dead_letter() -> None:
    quiet, knowing, failing = CodeRule("never", never), CodeRule("is_known", is_known), CodeRule("fails", fails)
    assert belongs(paid("1"), PLAIN._replace(code_rules=[quiet, knowing])) == Destination.FRAUD
    assert belongs(paid("1"), PLAIN._replace(code_rules=[quiet])) == Destination.LEGIT
    assert belongs(paid("1"), PLAIN._replace(code_rules=[quiet, failing])) == Destination.DEAD_LETTER


def test_a_rule_that_raises_leaves_fraud_what_is_fraud_by_the_others() -> None:
    knowing, failing = CodeRule("is_known", is_known), CodeRule("fails", fails)
    assert belongs(paid("1"), PLAIN._replace(code_rules=[failing, knowing])) == Destination.FRAUD
    assert belongs(paid("950"), PLAIN._replace(code_rules=[failing])) == Destination.FRAUD


def test_the_verdict_names_the_rules_that_hit_and_the_one_that_failed() -> None:
    quiet, knowing, failing = CodeRule("never", never), CodeRule("is_known", is_known), CodeRule("fails", fails)
    verdict = judge(record(paid("950")), PLAIN._replace(code_rules=[failing, quiet, knowing]))
    assert verdict.reasons == ["amount_over_threshold", "is_known"]
    assert verdict.score == 200
    assert verdict.failed == "fails"


def test_a_record_about_as_large_as_the_topics_take_may_be_refused() -> None:
    demands = Demands(LARGEST)
    assert demands.may_refuse(record(paid("1", ',"x":"%s"' % ("x" * LARGEST))))
    assert demands.may_refuse(record(paid("950"), [("name", b"x" * LARGEST)]))
    assert not demands.may_refuse(record(paid("950"), [("name", None)]))


@pytest.mark.parametrize("value", [paid("1"), paid("950"), b"not JSON", None])
def test_where_times_may_be_refused_any_record_may_be(value: bytes | None) -> None:
    assert Demands(LARGEST, refuses_times=True).may_refuse(record(value))
    assert not Demands(LARGEST).may_refuse(record(value))


def test_where_a_key_is_demanded_a_record_without_one_may_be_refused() -> None:
    demanding = Demands(LARGEST, refuses_keyless=True)
    keyless = replace(record(paid("1")), key=None)
    assert demanding.may_refuse(keyless)
    assert not Demands(LARGEST).may_refuse(keyless)
    assert not demanding.may_refuse(record(paid("1")))


def test_a_record_is_itself_by_its_id_else_by_its_value() -> None:
    assert {identity(record(paid(amount)), DEFAULT_MAPPING) for amount in "12"} == {"1"}
    assert identity(record(b"not JSON"), DEFAULT_MAPPING) == b"not JSON"
    without_id = read_settings(FieldMapping, {"FIELD_ID": ""})
    assert identity(record(paid("1")), without_id) == paid("1")
