"""Whatever a record holds, the detector makes one message of it, and the audit's own law agrees on where it belongs."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from audit.demands import Demands
from audit.law import Destination, Law, judge
from decision.decision import Decision
from decision.header_names import ERROR
from decision.provenance import DecisionSettings
from decision.verdict import Verdict
from detector.outputs import Outputs
from detector.routing import DeadLetter, Outcome
from detector.routing import route as route_record
from messaging.batch import Message, Record
from messaging.message_size import batch_bytes
from payments.mapping import DEFAULT_MAPPING
from tests.support.strange_records import RECORDS

LIMIT = 1_048_588
PLACES = {
    "fraud": Destination.FRAUD,
    "legit": Destination.LEGIT,
    "dead-letter": Destination.DEAD_LETTER,
}
MEGABYTE = 1_000_000


def route(read: Record, threshold: Decimal = Decimal(900), largest: int = LIMIT) -> tuple[Message, Outcome]:
    outputs = Outputs("fraud", "legit", "dead-letter", set(PLACES), largest)
    return route_record(read, Decision(DecisionSettings(DEFAULT_MAPPING, threshold), ()), outputs, read.timestamp)


def record(value: bytes) -> Record:
    return Record("transactions", 3, 117, 1_700_000_000_000, b"a", value, ())


def paid(amount: bytes, more: bytes = b"") -> bytes:
    return b'{"id":"1","source":"a","target":"b","amount":%s%s}' % (amount, more)


@given(RECORDS)
def test_the_message_keeps_key_value_headers_and_timestamp(read: Record) -> None:
    message, outcome = route(read)
    assert (message.key, message.value, message.timestamp) == (read.key, read.value, read.timestamp)
    assert list(message.headers[: len(read.headers)]) == list(read.headers)
    added = [name for name, _ in message.headers[len(read.headers) :]]
    if message.topic == "dead-letter":
        assert isinstance(outcome, DeadLetter)
        assert added == [ERROR + name for name in ("topic", "partition", "offset", "message")]
    else:
        assert isinstance(outcome, Verdict)
        assert added == ["fraud.reason", "fraud.score"] * (message.topic == "fraud")


@given(RECORDS)
@example(record(paid(b"9" * 5_000)))
@example(record(paid(b"1", b',"x":"\\ud800"')))
@example(record(paid(b"1", b',"currency":1e99999999999999999999')))
@example(record(b'{"id":1,"id":"1","source":"a","target":"b","amount":1}'))
def test_the_audit_agrees_on_where_it_belongs(read: Record) -> None:
    message, _ = route(read)
    if read.problem is None and not Demands(LIMIT).may_refuse(read):
        assert judge(read, Law(Decimal(900))).belongs in (PLACES[message.topic], Destination.ANYWHERE)
    else:
        assert read.problem is None or message.topic == "dead-letter"


@given(RECORDS, st.integers(400, 1_500))
def test_no_message_is_larger_than_the_topics_take(read: Record, largest: int) -> None:
    message, _ = route(read, largest=largest)
    assert batch_bytes(message) <= max(largest, _smallest(read))


@given(st.decimals(0, allow_nan=False, allow_infinity=False), st.decimals(0, 10**50, allow_nan=False))
def test_an_amount_is_fraud_just_where_it_is_over_the_threshold(amount: Decimal, threshold: Decimal) -> None:
    message, _ = route(record(paid(str(amount).encode())), threshold)
    assert message.topic == ("fraud" if amount > threshold else "legit")


def _smallest(read: Record) -> int:
    """Return the size of the coordinates alone, which are there in any case."""
    message, _ = route(read, largest=0)
    return batch_bytes(message)
