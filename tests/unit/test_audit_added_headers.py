"""The headers that a detector adds are taken off before an output is compared, and hold what the law says of them."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from audit.demands import Demands
from audit.findings import Findings
from audit.law import CodeRule
from audit.ledger import Ledger
from audit.replay import Replay
from decision.rule import Rule
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings
from payments.transaction import Transaction
from tests.support.change_sets import changes
from tests.support.past import Past, noted

TOPICS = TopicSettings("transactions", "fraud", "legit", "dead-letter", "rules", "lists", "provenance")
TIME = 1_790_000_000_000
RULES = changes(
    ("live", Rule("amount > 100")),
    ("also_live", Rule("amount > 500", points="5")),
    ("shadow", Rule("amount > 50", mode="shadow")),
    candidates={"live": Rule("amount > 60")},
)
UNKNOWN = Past().replay
TRACE = ("trace", b"1")
REASON, SCORE = ("fraud.reason", b"live: amount = 200"), ("fraud.score", b"100")
ALSO, HIGHER = ("fraud.reason", b"also_live: amount = 600"), ("fraud.score", b"105")
SHADOW = ("shadow.reason", b"shadow: amount = 200")
CANDIDATE = ("shadow.reason", b"live (candidate): amount = 200")
FAILED = ("rule.failed", b"rule fails failed (rules.py:7): LookupError")
COORDINATES: Headers = [
    ("__detector.errors.topic", b"transactions"),
    ("__detector.errors.partition", b"0"),
    ("__detector.errors.offset", b"0"),
    ("__detector.errors.message", b"why"),
]


def read(amount: str, headers: Headers = (TRACE,), offset: int = 0) -> Record:
    value = f'{{"id":"1","source":"a","target":"b","amount":{amount}}}'.encode()
    return Record("transactions", 0, offset, TIME, b"a", value, list(headers))


def out(record: Record, topic: str, *added: tuple[str, bytes | None]) -> Record:
    return replace(record, topic=topic, headers=[*record.headers, *added])


def fails(_paid: Transaction) -> None:
    raise LookupError


def known(*code_rules: CodeRule) -> Replay:
    return noted(RULES, code_rules=code_rules).replay


def audit(inputs: Sequence[Record], outputs: Sequence[Record], replay: Replay | None = UNKNOWN) -> Findings:
    ledger = Ledger(TOPICS, Demands(100_000), replay)
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
    assert not offences(audit([record], [out(record, "fraud", *added)]))


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
    assert offences(audit([record], [out(record, topic, *added)])) == {"altered": 1}


def test_an_output_that_lacks_a_header_is_altered() -> None:
    record = read("200")
    assert offences(audit([record], [replace(record, topic="fraud", headers=[REASON, SCORE])])) == {"altered": 1}


ADDED_TO_600: Headers = [REASON, ALSO, HIGHER, SHADOW, CANDIDATE]
ADDED_TO_200: Headers = [REASON, SCORE, SHADOW, CANDIDATE]
ADDED_TO_70: Headers = [SHADOW, CANDIDATE]


@pytest.mark.parametrize(
    ("amount", "topic", "added"),
    [("600", "fraud", ADDED_TO_600), ("200", "fraud", ADDED_TO_200), ("70", "legit", ADDED_TO_70), ("50", "legit", [])],
)
@pytest.mark.parametrize("own", OWN)
def test_the_headers_name_the_rules_that_hit_and_their_score(
    own: Headers, amount: str, topic: str, added: Headers
) -> None:
    record = read(amount, own)
    assert not offences(audit([record], [out(record, topic, *added)], known()))


@pytest.mark.parametrize(
    ("amount", "topic", "added"),
    [
        ("200", "fraud", []),
        ("200", "fraud", [REASON]),
        ("200", "fraud", [REASON, SCORE]),
        ("200", "fraud", [REASON, SCORE, CANDIDATE, SHADOW]),
        ("200", "fraud", [ALSO, SCORE, SHADOW, CANDIDATE]),
        ("200", "fraud", [REASON, ALSO, SCORE, SHADOW, CANDIDATE]),
        ("200", "fraud", [REASON, HIGHER, SHADOW, CANDIDATE]),
        ("200", "fraud", [REASON, ("fraud.score", b"many"), SHADOW, CANDIDATE]),
        ("200", "fraud", [REASON, ("fraud.score", None), SHADOW, CANDIDATE]),
        ("200", "fraud", [("fraud.reason", b"alive: amount = 200"), SCORE, SHADOW, CANDIDATE]),
        ("200", "fraud", [*ADDED_TO_200, FAILED]),
        ("600", "fraud", [ALSO, REASON, HIGHER, SHADOW, CANDIDATE]),
        ("70", "legit", []),
        ("70", "legit", [SHADOW]),
        ("50", "legit", [SHADOW]),
    ],
)
def test_headers_that_say_anything_else_alter_the_record(amount: str, topic: str, added: Headers) -> None:
    record = read(amount)
    assert offences(audit([record], [out(record, topic, *added)], known())) == {"altered": 1}


def test_the_score_is_compared_as_a_number() -> None:
    record = read("200")
    added = [REASON, ("fraud.score", b"100.0"), SHADOW, CANDIDATE]
    assert not offences(audit([record], [out(record, "fraud", *added)], known()))


def test_reasons_for_which_there_is_no_room_are_counted() -> None:
    rules = changes(*((f"r{n}", Rule("amount > 1", points="1")) for n in range(200)))
    record, score = read("950"), ("fraud.score", b"300")
    reasons = [("fraud.reason", b"%s: amount = 950" % name) for name in (b"amount_over_threshold", b"r0", b"r1")]
    for said, expected in ((b"and 198 more", {}), (b"and 197 more", {"altered": 1})):
        output = out(record, "fraud", *reasons, ("fraud.reason", said), score)
        assert offences(audit([record], [output], noted(rules).replay)) == expected


def test_where_the_record_is_about_as_large_as_the_topics_take_all_of_them_may_be_missing() -> None:
    record = read("200", headers=[("long", b"x" * 100_000)])
    assert not offences(audit([record], [out(record, "fraud")], known()))
    assert offences(audit([record], [out(record, "fraud", REASON, SCORE)], known())) == {"altered": 1}


def test_of_what_is_nested_too_deeply_no_header_is_known() -> None:
    deep = b'{"id":"1","source":"a","target":"b","amount":1,"x":%s%s}' % (b"[" * 300, b"]" * 300)
    record = replace(read("1"), value=deep)
    assert not offences(audit([record], [out(record, "fraud", REASON, HIGHER)], known()))


def test_a_rule_that_failed_is_named_beside_the_reasons() -> None:
    record, failing = read("200"), known(CodeRule("fails", fails, "ab"))
    assert not offences(audit([record], [out(record, "fraud", *ADDED_TO_200, FAILED)], failing))
    assert offences(audit([record], [out(record, "fraud", *ADDED_TO_200)], failing)) == {"altered": 1}
    other = ("rule.failed", b"rule other failed: LookupError")
    assert offences(audit([record], [out(record, "fraud", *ADDED_TO_200, other)], failing)) == {"altered": 1}


def test_a_rule_of_code_is_the_last_of_the_reasons() -> None:
    record, seeing = read("70"), known(CodeRule("sees", lambda _: "it", "ab"))
    sees = ("fraud.reason", b"sees: it")
    assert not offences(audit([record], [out(record, "fraud", sees, SCORE, SHADOW, CANDIDATE)], seeing))


@pytest.mark.parametrize("replay", [known(), None], ids=["known", "conservation"])
@pytest.mark.parametrize("order", [1, -1], ids=["bare first", "bare last"])
@pytest.mark.parametrize(
    ("amount", "topic", "own", "added"),
    [
        ("200", "fraud", REASON, ADDED_TO_200),
        ("600", "fraud", REASON, ADDED_TO_600),
        ("70", "legit", SHADOW, ADDED_TO_70),
    ],
)
def test_records_that_differ_only_in_such_a_header_are_told_apart(
    replay: Replay | None, order: int, amount: str, topic: str, own: tuple[str, bytes], added: Headers
) -> None:
    alike = [read(amount, headers) for headers in ([TRACE], [TRACE, own])][::order]
    inputs = [replace(record, offset=offset) for offset, record in enumerate(alike)]
    outputs = [replace(out(record, topic, *added), offset=record.offset) for record in inputs]
    found = offences(audit(inputs, outputs, replay))
    assert not found or (replay is None and found == {"out of order": 1})
    if replay is not None:
        assert offences(audit(inputs, outputs[::-1], replay)) == {"out of order": 1}


def test_they_are_told_apart_where_outputs_have_the_brokers_time_too() -> None:
    inputs = [read("200", headers, offset) for offset, headers in enumerate(([TRACE], [TRACE, REASON]))]
    outputs = [replace(out(record, "fraud", *ADDED_TO_200), timestamp=5, has_broker_time=True) for record in inputs]
    assert not offences(audit(inputs, outputs, known()))
    assert not offences(audit(inputs, outputs, UNKNOWN))


def test_an_output_that_came_in_again_goes_out_once_more() -> None:
    record = read("600")
    again = replace(out(record, "transactions", *ADDED_TO_600), offset=1)
    outputs = [out(record, "fraud", *ADDED_TO_600), out(again, "fraud", *ADDED_TO_600)]
    assert not offences(audit([record, again], outputs, known()))


def test_one_that_went_out_twice_is_doubled_whatever_its_headers() -> None:
    alike = [read("200", headers, offset) for offset, headers in enumerate(([TRACE], [TRACE, REASON]))]
    outputs = [replace(out(record, "fraud", *ADDED_TO_200), offset=record.offset) for record in alike]
    for again in outputs:
        assert offences(audit(alike, [*outputs, replace(again, offset=2)], known())) == {"doubled": 1}


def test_what_is_no_transaction_has_no_reasons() -> None:
    alike = [replace(read("1", headers, n), value=b"no JSON") for n, headers in enumerate(([TRACE], [TRACE, REASON]))]
    outputs = [replace(out(record, "fraud", REASON), offset=record.offset) for record in alike]
    assert offences(audit(alike, outputs, known())) == {"misrouted": 2}
