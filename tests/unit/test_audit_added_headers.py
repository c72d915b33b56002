"""The headers that a detector adds are taken off before an output is compared, and no others are."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from audit.findings import Findings
from audit.law import Law
from audit.ledger import Ledger
from decision.rule import Rule
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings
from tests.support.change_sets import changes, history_of

TOPICS = TopicSettings("transactions", "fraud", "legit", "dead-letter", "rules")
TIME = 1_790_000_000_000
HISTORY = history_of(
    changes(
        ("live", Rule("amount > 100")),
        ("also_live", Rule("amount > 500", points="5")),
        ("shadow", Rule("amount > 50", mode="shadow")),
    )
)
LAW = Law(Decimal(900), (), 100_000, refuses_times=False, in_question=HISTORY.at)
TRACE = ("trace", b"1")
REASON, SCORE = ("fraud.reason", b"live: amount = 200"), ("fraud.score", b"100")
SHADOW, FAILED = ("shadow.reason", b"shadow: amount = 200"), ("rule.failed", b"rule r failed: LookupError")
COORDINATES: Headers = [
    ("__detector.errors.topic", b"transactions"),
    ("__detector.errors.partition", b"0"),
    ("__detector.errors.offset", b"0"),
    ("__detector.errors.message", b"why"),
]


def read(amount: str, headers: Headers = (TRACE,), offset: int = 0) -> Record:
    value = f'{{"id":"1","source":"a","target":"b","amount":{amount}}}'.encode()
    return Record("transactions", 0, offset, TIME, b"a", value, list(headers))


def out(record: Record, topic: str, *added: tuple[str, bytes]) -> Record:
    return replace(record, topic=topic, headers=[*record.headers, *added])


def audit(inputs: Sequence[Record], outputs: Sequence[Record], law: Law = LAW) -> Findings:
    ledger = Ledger(TOPICS, law, is_cut=False)
    for record in inputs:
        ledger.add_input(record)
    for record in outputs:
        ledger.add_output(record)
    return ledger.findings({0: 1_000_000})


def offences(findings: Findings) -> dict[str, int]:
    return {kind: count for kind, count in findings.offences.counts.items() if count}


ON_FRAUD = [
    [REASON, SCORE],
    [REASON, REASON, SCORE],
    [REASON, SCORE, SHADOW],
    [REASON, SCORE, SHADOW, SHADOW],
    [REASON, SCORE, FAILED],
    [REASON, REASON, SCORE, SHADOW, FAILED],
    [REASON],
    [REASON, REASON],
    [],
]
OWN: list[Headers] = [
    (),
    [TRACE],
    [REASON],
    [SCORE],
    [SHADOW],
    [FAILED],
    [REASON, SCORE],
    [TRACE, REASON, REASON, SCORE, SHADOW, FAILED],
    [SHADOW, SHADOW],
]


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("added", ON_FRAUD)
def test_what_was_added_to_fraud_is_taken_off_whatever_the_input_had(own: Headers, added: Headers) -> None:
    record = read("200", own)
    assert not offences(audit([record], [out(record, "fraud", *added)]))  # type: ignore[arg-type]


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_reasons_of_shadow_rules_are_taken_off_legit(own: Headers, count: int) -> None:
    record = read("70", own)
    assert not offences(audit([record], [out(record, "legit", *[SHADOW] * count)]))


@pytest.mark.parametrize(
    ("amount", "topic", "added"),
    [
        ("200", "fraud", [SCORE]),
        ("200", "fraud", [SCORE, REASON, SCORE]),
        ("200", "fraud", [REASON, SCORE, SCORE]),
        ("200", "fraud", [SHADOW]),
        ("200", "fraud", [FAILED]),
        ("200", "fraud", [REASON, SHADOW]),
        ("200", "fraud", [REASON, SCORE, FAILED, SHADOW]),
        ("200", "fraud", [REASON, SCORE, FAILED, FAILED]),
        ("200", "fraud", [REASON, SCORE, TRACE]),
        ("70", "legit", [REASON]),
        ("70", "legit", [SCORE]),
        ("70", "legit", [FAILED]),
        ("70", "legit", [SHADOW, FAILED]),
        ("70", "legit", [REASON, SCORE, SHADOW]),
        ("70", "dead-letter", [SHADOW]),
        ("70", "dead-letter", [REASON]),
        ("70", "dead-letter", [REASON, *COORDINATES]),
    ],
)
def test_any_other_header_that_was_added_alters_the_record(amount: str, topic: str, added: Headers) -> None:
    record = read(amount)
    assert offences(audit([record], [out(record, topic, *added)])) == {"altered": 1}  # type: ignore[arg-type]


def test_an_output_that_lacks_a_header_is_altered() -> None:
    record = read("200")
    assert offences(audit([record], [replace(record, topic="fraud", headers=[REASON, SCORE])])) == {"altered": 1}


@pytest.mark.parametrize("order", [1, -1], ids=["bare first", "bare last"])
@pytest.mark.parametrize(
    ("amount", "topic", "own", "added"),
    [
        ("200", "fraud", REASON, [REASON, SCORE, SHADOW]),
        ("600", "fraud", REASON, [REASON, REASON, SCORE, SHADOW]),
        ("200", "fraud", REASON, [REASON]),
        ("70", "legit", SHADOW, [SHADOW]),
    ],
)
def test_records_that_differ_only_in_such_a_header_are_told_apart_by_the_number_of_hits(
    order: int, amount: str, topic: str, own: tuple[str, bytes], added: Headers
) -> None:
    alike = [read(amount, headers) for headers in ([TRACE], [TRACE, own])][::order]
    inputs = [replace(record, offset=offset) for offset, record in enumerate(alike)]
    outputs = [replace(out(record, topic, *added), offset=record.offset) for record in inputs]  # type: ignore[arg-type]
    assert not offences(audit(inputs, outputs))
    assert offences(audit(inputs, outputs[::-1])) == {"out of order": 1}


def test_an_output_that_came_in_again_goes_out_once_more() -> None:
    record = read("600")
    once = [REASON, REASON, SCORE, SHADOW]
    again = replace(out(record, "transactions", *once), offset=1)
    assert not offences(audit([record, again], [out(record, "fraud", *once), out(again, "fraud", *once)]))


def test_what_is_no_transaction_has_no_reasons() -> None:
    alike = [replace(read("1", headers, n), value=b"no JSON") for n, headers in enumerate(([TRACE], [TRACE, REASON]))]
    outputs = [replace(out(record, "fraud", REASON), offset=record.offset) for record in alike]
    assert offences(audit(alike, outputs)) == {"misrouted": 2}


def test_a_verdict_by_a_version_that_came_after_the_record_was_read_passes() -> None:
    history = history_of(changes(("live", Rule("amount > 100")), at=TIME))
    ledger = Ledger(TOPICS, LAW._replace(in_question=history.at), is_cut=False)
    inputs = [read("70", offset=0), read("40", offset=1), replace(read("70", offset=2), problem="a header")]
    for record in inputs:
        ledger.add_input(record)
    assert not history.take(changes(("more", Rule("amount > 50")), at=TIME + 100_000).record(1))
    for record in inputs:
        ledger.add_output(replace(out(record, "fraud", REASON, SCORE), problem=None))
    found = ledger.findings({0: 10})
    assert [str(offence.origin) for offence in found.offences.first["misrouted"]] == [
        "transactions[0] offset 1",
        "transactions[0] offset 2",
    ]
