"""The ledger finds each kind of offence, and none where every record is accounted for."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from audit.demands import Demands
from audit.findings import Findings, table
from audit.ledger import Ledger
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings
from payments.mapping import FieldMapping
from runtime.settings import read_settings
from tests.support.past import noted

TOPICS = TopicSettings("transactions", "fraud", "legit", "dead-letter", "rules", "lists", "provenance")
LARGEST = 20_000
DEMANDS = Demands(LARGEST)
ALL = {0: 1_000_000, 1: 1_000_000}
NONE: Mapping[int, int] = {}
REASON, SCORE = ("fraud.reason", b"amount_over_threshold: 950 is over 900"), ("fraud.score", b"100")
TRACE: Headers = (("trace", b"1"), ("trace", None))


def paid(amount: str = "1", identifier: str = "1", more: str = "") -> bytes:
    return f'{{"id":"{identifier}","source":"a","target":"b","amount":{amount}{more}}}'.encode()


def read(value: bytes | None, offset: int, key: bytes | None = b"a", **changed: Any) -> Record:
    """Return a record of the input's partition 0."""
    return replace(Record("transactions", 0, offset, 1_700_000_000_000, key, value, TRACE), **changed)


def legit(record: Record, offset: int = 0, **changed: Any) -> Record:
    return replace(record, **{"topic": "legit", "offset": offset, **changed})


def fraud(record: Record, offset: int = 0, **changed: Any) -> Record:
    return replace(
        record, **{"topic": "fraud", "offset": offset, "headers": [*record.headers, REASON, SCORE], **changed}
    )


def dead(record: Record, offset: int = 0, **changed: Any) -> Record:
    headers = [*changed.pop("headers", record.headers), *coordinates(record)]
    return replace(record, **{"topic": "dead-letter", "offset": offset, "headers": headers, "problem": None, **changed})


def coordinates(record: Record) -> Headers:
    return [
        ("__detector.errors.topic", b"transactions"),
        ("__detector.errors.partition", b"%d" % record.partition),
        ("__detector.errors.offset", b"%d" % record.offset),
        ("__detector.errors.message", b"why"),
    ]


def audit(inputs: Sequence[Record], outputs: Sequence[Record], committed: Mapping[int, int] = ALL) -> Findings:
    ledger = Ledger(TOPICS, DEMANDS, noted().replay)
    for record in inputs:
        ledger.add_input(record)
    for record in outputs:
        ledger.add_output(record)
    return ledger.findings(committed)


def offences(findings: Findings) -> dict[str, int]:
    return {kind: count for kind, count in findings.offences.counts.items() if count}


A, B = read(paid("1", "A"), 3), read(paid("2", "B"), 5)
RICH = read(paid("950", "R"), 7)
BAD = read(b"not JSON", 9)
HALF_READ = read(paid("1", "H"), 11, headers=(), problem="a header")
HUGE = read(paid("1", "L", ',"x":"%s"' % ("x" * LARGEST)), 13)
EVERYTHING = [A, B, RICH, BAD]
JUDGED = [legit(A), legit(B, 1), fraud(RICH), dead(BAD)]


def test_what_was_judged_rightly_is_in_order() -> None:
    findings = audit(EVERYTHING, JUDGED)
    assert findings.law_holds
    assert findings.counts() == {
        "transactions": 4,
        "fraud": 1,
        "legit": 2,
        "dead-letter": 1,
        "lost": 0,
        "doubled": 0,
        "misrouted": 0,
        "altered": 0,
        "out of order": 0,
        "foreign": 0,
        "not replayable": 0,
        "deleted unread": 0,
        "in flight": 0,
    }


def test_what_was_deleted_unread_breaks_the_law() -> None:
    assert not audit(EVERYTHING, JUDGED)._replace(deleted_unread=1).law_holds


@pytest.mark.parametrize("missing", range(4))
def test_each_missing_record_is_lost(missing: int) -> None:
    findings = audit(EVERYTHING, [record for n, record in enumerate(JUDGED) if n != missing])
    assert offences(findings) == {"lost": 1}
    assert findings.offences.examples["lost"] == [f"transactions[0] offset {EVERYTHING[missing].offset}"]


@pytest.mark.parametrize("again", JUDGED)
def test_each_record_that_is_there_again_is_doubled(again: Record) -> None:
    findings = audit(EVERYTHING, [*JUDGED, replace(again, offset=9)])
    assert offences(findings) == {"doubled": 1}
    assert findings.offences.examples["doubled"] == [f"{again.topic}[0] offset 9"]


@pytest.mark.parametrize(
    ("record", "output"),
    [
        (A, fraud(A)),
        (A, dead(A)),
        (RICH, legit(RICH)),
        (RICH, dead(RICH)),
        (BAD, legit(BAD)),
        (BAD, fraud(BAD)),
        (HALF_READ, legit(HALF_READ, problem=None)),
    ],
)
def test_what_is_in_another_topic_than_its_own_is_misrouted(record: Record, output: Record) -> None:
    findings = audit([record], [output])
    assert offences(findings) == {"misrouted": 1}
    assert findings.offences.examples["misrouted"] == [
        f"{output.topic}[0] offset 0, from transactions[0] offset {record.offset}"
    ]


@pytest.mark.parametrize(
    ("record", "output"),
    [
        (A, legit(A, key=b"b")),
        (A, legit(A, key=None)),
        (A, legit(A, value=paid("1.0", "A"))),
        (A, legit(A, timestamp=A.timestamp + 1)),
        (A, legit(A, headers=())),
        (A, legit(A, headers=[*TRACE, ("more", b"")])),
        (A, legit(A, headers=[*TRACE, REASON])),
        (A, legit(A, headers=TRACE[::-1])),
        (RICH, fraud(RICH, key=b"b")),
        (RICH, fraud(RICH, headers=[REASON, SCORE, *TRACE])),
        (RICH, fraud(RICH, headers=[*TRACE, REASON])),
        (RICH, fraud(RICH, headers=TRACE)),
        (BAD, dead(BAD, key=None)),
        (BAD, dead(BAD, value=None)),
        (BAD, dead(BAD, value=b"not json")),
        (BAD, dead(BAD, headers=())),
        (BAD, dead(BAD, timestamp=1)),
        (HUGE, dead(HUGE, key=b"b", value=None)),
        (HUGE, dead(HUGE, value=b"x")),
    ],
)
def test_what_differs_from_what_came_in_is_altered(record: Record, output: Record) -> None:
    findings = audit([record], [output])
    assert offences(findings) == {"altered": 1}
    assert findings.offences.examples["altered"] == [
        f"{output.topic}[0] offset 0, from transactions[0] offset {record.offset}"
    ]


def test_a_record_of_another_shape_is_told_from_others_by_its_own_id() -> None:
    ledger = Ledger(TOPICS, DEMANDS, noted().replay, read_settings(FieldMapping, {"FIELD_ID": "tx"}))
    record = read(b'{"tx":"t-1","id":"1","source":"a","target":"b","amount":1}', 0)
    ledger.add_input(record)
    ledger.add_output(legit(record, value=b'{"tx":"t-1","id":"2","source":"a","target":"b","amount":2}'))
    assert offences(ledger.findings(ALL)) == {"altered": 1}


def test_an_id_that_was_changed_is_lost_and_foreign() -> None:
    assert offences(audit([A], [legit(A, value=paid("1", "C"))])) == {"lost": 1, "foreign": 1}


@pytest.mark.parametrize("output", [legit(A), fraud(A), dead(A), replace(legit(A), topic="dead-letter")])
def test_what_never_came_in_is_foreign(output: Record) -> None:
    assert offences(audit([B], [legit(B), replace(output, offset=1)])) == {"foreign": 1}


@pytest.mark.parametrize("topic", [b"elsewhere", b"", None])
def test_a_dead_letter_of_another_topic_is_foreign(topic: bytes | None) -> None:
    headers = [("__detector.errors.topic", topic), *coordinates(B)[1:]]
    of_another = replace(dead(B), value=b"x", headers=headers)
    assert offences(audit([B], [legit(B), of_another])) == {"foreign": 1}


@pytest.mark.parametrize("number", [b"-1", b"x", b"9" * 5000, None])
def test_a_dead_letter_with_other_coordinates_than_numbers_is_foreign(number: bytes | None) -> None:
    headers = [coordinates(B)[0], ("__detector.errors.partition", number), *coordinates(B)[2:]]
    assert offences(audit([B], [legit(B), replace(dead(B), value=b"x", headers=headers)])) == {"foreign": 1}


def test_what_was_overtaken_in_its_account_is_out_of_order() -> None:
    findings = audit([A, B], [legit(B, 0), legit(A, 1)])
    assert offences(findings) == {"out of order": 1}
    assert findings.offences.examples["out of order"] == ["legit[0] offset 1, from transactions[0] offset 3"]


def test_dead_letters_have_an_order_too() -> None:
    also_bad = read(b"nor this", 10)
    assert offences(audit([BAD, also_bad], [dead(also_bad), dead(BAD, 1)])) == {"out of order": 1}


@pytest.mark.parametrize("key", [b"b", None])
def test_other_accounts_and_none_may_overtake(key: bytes | None) -> None:
    first, second = replace(A, key=key), replace(B, key=None if key is None else b"c")
    assert audit([first, second], [legit(second), legit(first, 1)]).law_holds


def test_the_order_is_that_of_one_output_partition() -> None:
    assert audit([A, B], [legit(B), legit(A, partition=1)]).law_holds
    assert audit([A, RICH], [fraud(RICH), legit(A)]).law_holds


def test_a_key_in_two_partitions_of_the_input_has_an_order_in_each() -> None:
    elsewhere = replace(B, partition=1)
    together = legit(elsewhere, 1, partition=0)
    for outputs in ([legit(A), together], [together, legit(A, 2)]):
        assert audit([elsewhere, A], outputs).law_holds


def test_as_many_alike_records_come_out_as_went_in() -> None:
    alike = [replace(A, offset=offset) for offset in (0, 1, 4)] + [replace(A, partition=1, offset=0)]
    outputs = [legit(record, n) for n, record in enumerate(alike)]
    assert audit(alike, outputs).law_holds
    assert offences(audit(alike, outputs[1:])) == {"lost": 1}
    assert offences(audit(alike, [*outputs, legit(A, 9)])) == {"doubled": 1}


def test_alike_records_among_others_are_in_order() -> None:
    inputs = [read(value, offset) for offset, value in enumerate([paid("1"), paid("2"), paid("1"), paid("3")])]
    assert audit(inputs, [legit(record, record.offset) for record in inputs]).law_holds
    twisted = [legit(inputs[n], place) for place, n in enumerate((1, 0, 2, 3))]
    assert offences(audit(inputs, twisted)) == {"out of order": 1}


def test_alike_records_of_two_partitions_keep_theirs() -> None:
    other = replace(A, partition=1, offset=0)
    inputs = [other, A, B, replace(A, offset=6)]
    outputs = [legit(record, record.offset) for record in (A, B, replace(A, offset=6), other)]
    assert audit(inputs, outputs).law_holds


def test_an_alike_record_does_not_stand_for_one_that_a_dead_letter_names() -> None:
    first, second = read(b"not JSON", 3), read(b"not JSON", 5)
    assert offences(audit([first, second], [dead(first), legit(second)])) == {"misrouted": 1}


def test_alike_dead_letters_are_told_apart_by_their_coordinates() -> None:
    again = replace(BAD, offset=10)
    assert audit([BAD, again], [dead(BAD), dead(again, 1)]).law_holds
    assert offences(audit([BAD, again], [dead(BAD), dead(BAD, 1)])) == {"doubled": 1, "lost": 1}


@pytest.mark.parametrize(
    ("record", "output"),
    [
        (HUGE, legit(HUGE)),
        (HUGE, dead(HUGE)),
        (HUGE, dead(HUGE, value=None)),
        (HUGE, dead(HUGE, value=None, key=None, headers=())),
        (HALF_READ, dead(HALF_READ)),
        (HALF_READ, dead(HALF_READ, value=None, key=None, timestamp=1_800_000_000_000)),
        (replace(RICH, value=paid("950", "R", ',"x":"%s"' % ("x" * LARGEST))), None),
    ],
)
def test_what_does_not_fit_or_cannot_be_read_may_lack_something(record: Record, output: Record | None) -> None:
    assert audit([record], [output or fraud(record, headers=record.headers)]).law_holds


@pytest.mark.parametrize("key", [None, b""])
@pytest.mark.parametrize("value", [None, b"", paid()])
def test_records_without_key_or_value_pass(key: bytes | None, value: bytes | None) -> None:
    record = read(value, 0, key)
    assert audit([record], [dead(record) if not value else legit(record)]).law_holds


def test_headers_that_look_like_the_detectors_own_stay() -> None:
    refed_fraud = replace(RICH, headers=[REASON, REASON])
    refed_dead = replace(BAD, headers=coordinates(A))
    assert audit([refed_fraud, refed_dead], [fraud(refed_fraud), dead(refed_dead)]).law_holds
    assert offences(audit([refed_fraud], [fraud(refed_fraud, headers=[])])) == {"altered": 1}


@pytest.mark.parametrize("order", [1, -1], ids=["bare first", "bare last"])
def test_records_that_differ_in_a_reason_of_the_inputs_own_are_told_apart(order: int) -> None:
    alike = [replace(RICH, headers=[*TRACE, ("fraud.reason", b"their own")][:length]) for length in (2, 3)][::order]
    inputs = [replace(record, offset=offset) for offset, record in enumerate(alike)]
    outputs = [fraud(record, offset) for offset, record in enumerate(inputs)]
    assert not offences(audit(inputs, outputs))
    assert offences(audit(inputs, outputs[::-1])) == {"out of order": 1}


def test_a_timestamp_of_0_may_be_1() -> None:
    ancient = replace(A, timestamp=0)
    assert audit([ancient], [legit(ancient, timestamp=1)]).law_holds


def test_what_the_group_has_not_committed_is_in_flight() -> None:
    for committed, in_flight in ((NONE, 3), ({0: 3}, 3), ({0: 4}, 2), ({1: 99}, 3)):
        findings = audit([A, B, RICH], [], committed)
        assert findings.in_flight == in_flight
        assert offences(findings) == ({"lost": 3 - in_flight} if in_flight < 3 else {})


def test_what_is_out_before_the_group_has_committed_it_is_fine() -> None:
    findings = audit([A, B, RICH], [legit(A), fraud(RICH)], {0: 3})
    assert findings.law_holds
    assert findings.in_flight == 1


def test_an_altered_record_is_not_in_flight_too() -> None:
    findings = audit([A], [legit(A, key=b"b")], NONE)
    assert (offences(findings), findings.in_flight) == ({"altered": 1}, 0)


def test_the_findings_stand_when_more_is_read() -> None:
    ledger = Ledger(TOPICS, DEMANDS, noted().replay)
    ledger.add_input(A)
    before = ledger.findings(NONE)
    ledger.add_input(B)
    ledger.add_output(legit(B))
    ledger.add_output(legit(A, 1))
    ledger.add_output(legit(RICH, 2))
    after = ledger.findings(ALL)
    assert (offences(before), before.in_flight) == ({}, 1)
    assert (offences(after), after.in_flight) == ({"out of order": 1, "foreign": 1}, 0)
    assert offences(ledger.findings(ALL)) == offences(after)


def test_the_table_shows_the_numbers_and_the_first_examples() -> None:
    many = [replace(A, offset=n, value=paid("1", str(n))) for n in range(1000)]
    lines = table(audit(many, [legit(many[0])])).splitlines()
    assert [line.split() for line in lines[:5]] == [
        ["transactions", "1,000"],
        ["fraud", "0"],
        ["legit", "1"],
        ["dead-letter", "0"],
        ["lost", "999"],
    ]
    assert lines[13:] == [f"lost: transactions[0] offset {n}" for n in range(1, 6)]
