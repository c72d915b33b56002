from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from decision.code_rules import CodeRule
from decision.decision import Decision
from decision.header_names import ERROR
from decision.provenance import DecisionSettings
from decision.verdict import Verdict
from detector.outputs import Outputs
from detector.routing import DeadLetter, Outcome
from detector.routing import route as route_record
from messaging.batch import Headers, Message, Record
from messaging.message_size import batch_bytes
from payments.mapping import DEFAULT_MAPPING
from payments.transaction import Transaction

LIMIT = 1_000
TIMESTAMP = 1_700_000_000_000
HEADERS: Headers = [("trace", b"1"), ("trace", None)]


def broken(_transaction: Transaction) -> str:
    raise KeyError("missing")


def outputs(**changed: Any) -> Outputs:
    defaults: dict[str, Any] = {
        "fraud": "fraud",
        "legit": "legit",
        "dead_letter": "dead-letter",
        "keeps_partition": {"fraud", "legit", "dead-letter"},
        "max_message_bytes": LIMIT,
    }
    return Outputs(**defaults | changed)


def route(read: Record, *rules: CodeRule, now: int = TIMESTAMP, **changed: Any) -> tuple[Message, Outcome]:
    return route_record(read, Decision(DecisionSettings(DEFAULT_MAPPING, Decimal(900)), rules), outputs(**changed), now)


def record(value: bytes | None, key: bytes | None = b"a", headers: Headers = HEADERS) -> Record:
    return Record("transactions", 3, 117, TIMESTAMP, key, value, headers)


def paid(amount: str, padding: int = 0) -> bytes:
    return b'{"id":"1","source":"a","target":"b","amount":%s,"x":"%s"}' % (amount.encode(), b"x" * padding)


def test_what_is_legit_goes_on_unchanged() -> None:
    read = record(paid("900"))
    message, outcome = route(read)
    assert message == Message("legit", read.key, read.value, read.headers, read.timestamp, read.partition)
    assert isinstance(outcome, Verdict)


def test_a_record_without_headers_gets_none() -> None:
    message, _ = route(record(paid("900"), headers=[]))
    assert (message.topic, message.headers) == ("legit", [])


def test_what_is_fraud_goes_on_with_its_reasons_behind_its_headers() -> None:
    read = record(paid("900.01"))
    message, _ = route(read)
    added = [("fraud.reason", b"amount_over_threshold: 900.01 is over 900"), ("fraud.score", b"100")]
    assert message == Message("fraud", read.key, read.value, [*HEADERS, *added], read.timestamp, read.partition)


def test_what_is_no_transaction_goes_to_the_dead_letters_with_its_coordinates() -> None:
    read = record(b"not a transaction")
    message, outcome = route(read)
    assert (message.topic, message.key, message.value) == ("dead-letter", b"a", b"not a transaction")
    assert list(message.headers[:-1]) == [
        *HEADERS,
        ("__detector.errors.topic", b"transactions"),
        ("__detector.errors.partition", b"3"),
        ("__detector.errors.offset", b"117"),
    ]
    assert message.headers[-1][0] == "__detector.errors.message"
    assert isinstance(outcome, DeadLetter)
    assert not outcome.rule_failed


def test_a_record_that_the_client_could_not_read_whole_is_a_dead_letter_though_its_value_is_a_transaction() -> None:
    message, outcome = route(replace(record(paid("900")), problem="half of it is missing"))
    assert (message.topic, message.value) == ("dead-letter", paid("900"))
    assert message.headers[-1] == ("__detector.errors.message", b"half of it is missing")
    assert isinstance(outcome, DeadLetter)


def test_a_failed_rule_makes_a_dead_letter_that_names_it() -> None:
    message, outcome = route(record(paid("1")), CodeRule("broken", broken))
    assert message.topic == "dead-letter"
    assert b"broken" in (message.headers[-1][1] or b"")
    assert isinstance(outcome, DeadLetter)
    assert outcome.rule_failed


def test_without_a_key_there_is_no_place_in_a_compacted_topic() -> None:
    for amount, topic in (("1", "legit"), ("901", "fraud")):
        message, _ = route(record(paid(amount), key=None), need_keys={topic})
        assert message.topic == "dead-letter"
        problem = f"{topic} takes no record without a key (cleanup.policy=compact)"
        assert message.headers[-1] == ("__detector.errors.message", problem.encode())
        message, _ = route(record(paid(amount)), need_keys={topic})
        assert message.topic == topic


def test_a_topic_with_other_partitions_is_left_to_the_key() -> None:
    message, _ = route(record(paid("1")), keeps_partition={"fraud"})
    assert message.partition is None


def test_the_largest_legit_record_is_forwarded() -> None:
    at_limit = padded_to(LIMIT, "1")
    message, _ = route(at_limit)
    assert (message.topic, batch_bytes(message)) == ("legit", LIMIT)


def test_the_largest_fraud_is_forwarded_without_its_reasons() -> None:
    message, outcome = route(padded_to(LIMIT, "950"))
    assert (message.topic, message.headers) == ("fraud", HEADERS)
    assert isinstance(outcome, Verdict)
    assert outcome.hits


def test_a_record_that_is_too_large_uncompressed_leaves_its_coordinates() -> None:
    message, outcome = route(padded_to(LIMIT + 1, "1"))
    assert (message.topic, message.key, message.value) == ("dead-letter", b"a", None)
    assert isinstance(outcome, DeadLetter)
    assert "exceed max.message.bytes=1000" in outcome.problem


@pytest.mark.parametrize("now", [TIMESTAMP - 11, TIMESTAMP + 21], ids=["future", "past"])
@pytest.mark.parametrize("value", [paid("1"), b"not JSON"], ids=["good", "bad"])
def test_a_timestamp_that_is_not_taken_makes_a_dead_letter_of_now_without_value(value: bytes, now: int) -> None:
    message, outcome = route(record(value), most_before_ms=20, most_after_ms=10, now=now)
    assert (message.topic, message.key, message.value, message.timestamp) == ("dead-letter", b"a", None, now)
    assert isinstance(outcome, DeadLetter)


@pytest.mark.parametrize("now", [TIMESTAMP - 10, TIMESTAMP + 20])
def test_a_timestamp_that_is_just_taken_is_kept(now: int) -> None:
    message, _ = route(record(paid("1")), most_before_ms=20, most_after_ms=10, now=now)
    assert (message.topic, message.timestamp) == ("legit", TIMESTAMP)


@pytest.mark.parametrize(
    "huge",
    [record(b"x" * LIMIT), record(b"x", key=b"x" * LIMIT), record(b"x", headers=[("x", b"x" * LIMIT)])],
    ids=["value", "key", "headers"],
)
def test_a_dead_letter_is_never_larger_than_allowed(huge: Record) -> None:
    message, _ = route(huge)
    assert message.topic == "dead-letter"
    assert batch_bytes(message) <= LIMIT
    assert (ERROR + "offset", b"117") in message.headers


headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3)


@given(st.none() | st.binary(), st.none() | st.binary(), headers)
def test_any_record_gives_exactly_one_message_with_its_key_and_value(
    value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    message, _ = route(record(value, key, headers))
    assert (message.key, message.value) == (key, value)
    assert list(message.headers[: len(headers)]) == headers


def padded_to(size: int, amount: str) -> Record:
    empty, _ = route(record(paid(amount, LIMIT // 2)), max_message_bytes=10 * LIMIT)
    without_reason = replace(empty, headers=HEADERS)
    return record(paid(amount, LIMIT // 2 + size - batch_bytes(without_reason)))
