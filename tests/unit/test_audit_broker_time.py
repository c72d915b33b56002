"""Outputs with a time of the broker's own (LogAppendTime): all but the time is compared, and alike records fit."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from audit.demands import Demands
from audit.findings import Findings
from audit.ledger import Ledger
from audit.snapshot import Limits, may_refuse
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings
from tests.support.past import noted

TOPICS = TopicSettings("transactions", "fraud", "legit", "dead-letter", "rules", "lists", "provenance")
DEMANDS = Demands(20_000)
ALL = {0: 1_000_000, 1: 1_000_000}
REASON, SCORE = ("fraud.reason", b"amount_over_threshold: 950 is over 900"), ("fraud.score", b"100")
LATER = 1_800_000_000_000
KEPT, SET = False, True


def read(value: bytes, offset: int, timestamp: int = 1_700_000_000_000, key: bytes | None = b"a") -> Record:
    return Record("transactions", 0, offset, timestamp, key, value, [("trace", None)])


def paid(amount: str) -> bytes:
    return f'{{"id":"1","source":"a","target":"b","amount":{amount}}}'.encode()


def legit(record: Record, offset: int = 0) -> Record:
    return replace(record, topic="legit", offset=offset)


def later(output: Record) -> Record:
    return replace(output, timestamp=LATER)


def coordinates(record: Record) -> Headers:
    names = ("topic", "partition", "offset", "message")
    values = (b"transactions", b"%d" % record.partition, b"%d" % record.offset, b"why")
    return [(f"__detector.errors.{name}", value) for name, value in zip(names, values, strict=True)]


A, RICH, BAD = read(paid("1"), 3), read(paid("950"), 7), read(b"not JSON", 9)
AGAIN = replace(A, offset=5, timestamp=A.timestamp + 1)
FRAUD = replace(RICH, topic="fraud", offset=0, headers=[*RICH.headers, REASON, SCORE])
DEAD = replace(BAD, topic="dead-letter", offset=0, headers=[*BAD.headers, *coordinates(BAD)])


def audit(inputs: Sequence[Record], outputs: Sequence[tuple[Record, bool]], *, is_cut: bool = False) -> Findings:
    ledger = Ledger(TOPICS, DEMANDS, noted().replay, is_cut=is_cut)
    for record in inputs:
        ledger.add_input(record)
    for record, has_broker_time in outputs:
        ledger.add_output(replace(record, has_broker_time=has_broker_time))
    return ledger.findings(ALL)


def offences(findings: Findings) -> dict[str, int]:
    return {kind: count for kind, count in findings.offences.counts.items() if count}


@pytest.mark.parametrize(("record", "output"), [(A, legit(A)), (RICH, FRAUD), (BAD, DEAD)])
def test_the_time_is_compared_only_where_it_is_kept(record: Record, output: Record) -> None:
    assert not offences(audit([record], [(later(output), SET)]))
    assert not offences(audit([record], [(output, KEPT)]))
    assert offences(audit([record], [(later(output), KEPT)])) == {"altered": 1}


@pytest.mark.parametrize(("record", "output"), [(A, legit(A)), (RICH, FRAUD), (BAD, DEAD)])
@pytest.mark.parametrize("change", [{"key": b"b"}, {"headers": ()}])
def test_all_else_is_compared(record: Record, output: Record, change: dict[str, object]) -> None:
    assert set(offences(audit([record], [(replace(later(output), **change), SET)]))) & {"altered", "foreign"}


def test_the_other_offences_are_found_too() -> None:
    assert offences(audit([A], [])) == {"lost": 1}
    assert offences(audit([A], [(later(legit(A, n)), SET) for n in range(2)])) == {"doubled": 1}
    assert offences(audit([A], [(replace(later(legit(A)), topic="fraud"), SET)])) == {"misrouted": 1}
    assert offences(audit([A, RICH], [(later(FRAUD), SET), (later(legit(A)), SET)])) == {}
    other = read(paid("2"), 4)
    twisted = [(later(legit(other)), SET), (later(legit(A, 1)), SET)]
    assert offences(audit([A, other], twisted)) == {"out of order": 1}
    assert offences(audit([RICH], [(later(FRAUD), SET), (later(legit(A)), SET)])) == {"foreign": 1}


@pytest.mark.parametrize("kept", [0, 1])
def test_where_the_type_was_changed_half_way_alike_records_fit(kept: int) -> None:
    outputs = [
        (legit(each, n), KEPT) if n == kept else (later(legit(each, n)), SET) for n, each in enumerate((A, AGAIN))
    ]
    for order in (outputs, outputs[::-1]):
        assert not set(offences(audit([A, AGAIN], order))) - {"out of order"}
    assert not offences(audit([A, AGAIN], outputs))
    assert offences(audit([A, AGAIN], [*outputs, (later(legit(A, 2)), SET)])) == {"doubled": 1}
    assert offences(audit([A, AGAIN], [*outputs, (legit(A, 2), KEPT)])) == {"doubled": 1}


def test_records_that_come_in_later_fit_too() -> None:
    ledger = Ledger(TOPICS, DEMANDS, noted().replay)
    for record in (A, AGAIN):
        ledger.add_input(record)
        ledger.add_output(replace(later(legit(record, record.offset)), has_broker_time=SET))
        assert not offences(ledger.findings(ALL))


alike = st.lists(st.tuples(st.sampled_from("12"), st.sampled_from([3, 4, 5]), st.sampled_from([0, 1])), max_size=12)


@given(alike, st.data())
def test_as_many_alike_records_come_out_as_went_in(drawn: list[tuple[str, int, int]], data: st.DataObject) -> None:
    inputs = [
        replace(read(paid(amount), offset, time, key=None), partition=partition)
        for offset, (amount, time, partition) in enumerate(drawn)
    ]
    kept = data.draw(st.lists(st.booleans(), min_size=len(inputs), max_size=len(inputs)))
    outputs = [
        (legit(each) if keeps else later(legit(each)), not keeps) for each, keeps in zip(inputs, kept, strict=True)
    ]
    outputs = data.draw(st.permutations(outputs))
    assert not offences(audit(inputs, outputs))
    if outputs:
        assert offences(audit(inputs, outputs[1:])) == {"lost": 1}
        assert offences(audit(inputs, [*outputs, outputs[0]])) == {"doubled": 1}


def test_an_output_without_the_inputs_time_may_follow_from_what_is_left_out() -> None:
    assert offences(audit([A], [(legit(A), KEPT), (later(FRAUD), SET)])) == {"foreign": 1}
    assert not offences(audit([A], [(legit(A), KEPT), (later(FRAUD), SET), (later(DEAD), KEPT)], is_cut=True))
    assert offences(audit([A], [(legit(A), KEPT), (FRAUD, KEPT)], is_cut=True)) == {"foreign": 1}


@pytest.mark.parametrize(
    ("output", "source", "may"),
    [
        (Limits(1), Limits(1), False),
        (Limits(1, before=5), Limits(1), True),
        (Limits(1, after=5), Limits(1, after=5), False),
        (Limits(1, after=5), Limits(1), True),
        (Limits(1, 5, 5, sets_time=True), Limits(1), False),
        (Limits(1, after=5), Limits(1, sets_time=True), False),
        (Limits(1, before=5), Limits(1, sets_time=True), True),
    ],
)
def test_a_topic_with_times_of_its_own_refuses_none(output: Limits, source: Limits, may: bool) -> None:  # noqa: FBT001
    assert may_refuse(output, source) is may
