"""What an offence shows besides its place: the transaction's id, where it belongs, and why."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from audit.findings import Findings, Offence, Offences, table
from audit.law import CodeRule, Law
from audit.notes import note
from messaging.batch import Place, Record
from messaging.settings import TopicSettings
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from payments.transaction import Transaction
from runtime.settings import read_settings

TOPICS = TopicSettings("payments", "suspicious", "fine", "unreadable", "rules", "lists", "provenance")
TIME = 1_700_000_000_000


def is_known(paid: Transaction) -> str | None:
    return "b is known" if paid.target == "b" else None


def fails(_paid: Transaction) -> None:
    raise LookupError("\x1b[31m")


def record(value: bytes | None, problem: str | None = None) -> Record:
    return Record("payments", 0, 7, TIME, b"a", value, (), problem)


def paid(amount: str, identifier: str = "9f1c", target: str = "z") -> bytes:
    return f'{{"id":"{identifier}","source":"a","target":"{target}","amount":{amount}}}'.encode()


def lost(read: Record, *rules: Callable[[Transaction], object]) -> str:
    law = Law(Decimal(900), [CodeRule(rule.__name__, rule) for rule in rules])
    return note("lost", read, TOPICS, law, DEFAULT_MAPPING)


def test_a_transaction_is_known_by_its_id_and_expected_in_its_topic() -> None:
    assert lost(record(paid("1"))) == "id 9f1c, expected fine"


@pytest.mark.parametrize(("identity", "known"), [("tx", "id t-1, expected suspicious"), ("", "expected suspicious")])
def test_a_transaction_of_another_shape_is_known_by_its_id_too(identity: str, known: str) -> None:
    settings = {"FIELD_ID": identity, "FIELD_AMOUNT": "cents", "AMOUNT_SCALE": "2"}
    mapping = read_settings(FieldMapping, settings)
    value = b'{"tx":"t-1","source":"a","target":"b","cents":90001}'
    law = Law(Decimal(900), mapping=mapping)
    assert note("lost", record(value), TOPICS, law, DEFAULT_MAPPING) == f"{known}: amount_over_threshold"
    expected = known.removesuffix("expected suspicious").removesuffix(", ")
    assert note("lost", record(value), TOPICS, None, mapping) == expected


def test_each_rule_that_makes_it_fraud_is_named() -> None:
    assert lost(record(paid("950"))) == "id 9f1c, expected suspicious: amount_over_threshold"
    assert lost(record(paid("1", target="b")), is_known) == "id 9f1c, expected suspicious: is_known"
    both = lost(record(paid("950", target="b")), is_known)
    assert both == "id 9f1c, expected suspicious: amount_over_threshold, is_known"


@pytest.mark.parametrize(
    ("read", "rules", "said"),
    [
        (record(b"not JSON"), (), "expected unreadable: not a transaction (rules explain says why)"),
        (record(None), (), "expected unreadable: not a transaction (rules explain says why)"),
        (record(paid("1"), "a header"), (), "id 9f1c, expected unreadable: a header"),
        (record(paid("1")), (fails,), "id 9f1c, expected unreadable: rule fails failed"),
    ],
)
def test_a_dead_letter_is_expected_for_its_reason(
    read: Record, rules: tuple[Callable[[Transaction], object], ...], said: str
) -> None:
    assert lost(read, *rules) == said


def test_a_rule_that_failed_is_named_where_the_others_do_not_make_it_fraud() -> None:
    assert lost(record(paid("950")), fails) == "id 9f1c, expected suspicious: amount_over_threshold"
    assert lost(record(paid("1", target="b")), fails, is_known) == "id 9f1c, expected suspicious: is_known"


def test_what_is_nested_too_deeply_is_expected_anywhere() -> None:
    deep = b'{"id":"9f1c","source":"a","target":"z","amount":1,"x":%s1%s}' % (b"[" * 300, b"]" * 300)
    assert lost(record(deep)) == "id 9f1c, expected anywhere: it is nested too deeply"


def test_foreign_text_cannot_spoil_the_line() -> None:
    assert lost(record(paid("1", "\\u001b[31m\\n"))) == "id \\x1b[31m\\n, expected fine"
    assert len(lost(record(paid("1", "x" * 1000)))) < 100


@pytest.mark.parametrize("kind", ["doubled", "altered", "out of order", "foreign"])
def test_where_it_belongs_is_said_where_that_is_the_offence(kind: str) -> None:
    assert note(kind, record(paid("1")), TOPICS, Law(Decimal(900)), DEFAULT_MAPPING) == "id 9f1c"


def test_the_table_and_the_examples_show_the_notes() -> None:
    offences = Offences()
    output, origin = Place("fine", 2, 17), Place("payments", 2, 40)
    offences.add("misrouted", output, origin)
    offences.add("lost", None, origin)
    offences.notes["misrouted", Offence(output, origin)] = "id 9f1c, expected suspicious: amount_over_threshold"
    line = "fine[2] offset 17, from payments[2] offset 40, id 9f1c, expected suspicious: amount_over_threshold"
    assert offences.examples == {"misrouted": [line], "lost": ["payments[2] offset 40"]}
    assert table(Findings({}, offences, 0)).splitlines()[-2:] == [f"misrouted: {line}", "lost: payments[2] offset 40"]
