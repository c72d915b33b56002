"""A rule of the user's that fails on some transactions, and not on others."""

import json
from decimal import Decimal

import pytest

from tests.support.conservation import assert_each_judged_once, wait_until_judged
from tests.support.harmful_rules import fails_over_500
from tests.support.services import Services
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration

AMOUNTS = [Decimal(amount) for amount in (1, 501, 500, 999, 2, 3, 777)]


def test_what_a_rule_fails_on_becomes_a_dead_letter_that_names_the_rule_unless_another_finds_fraud(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=1)
    sent = [
        message(names.transactions, f'{{"id":"{n}","source":"a{n}","target":"b","amount":{amount}}}'.encode())
        for n, amount in enumerate(AMOUNTS)
    ]
    write(broker, sent)
    detector = services.start(
        "detector", FRAUD_RULES="tests.support.harmful_rules:fails_over_500", DEAD_LETTER_LIMIT="2"
    )
    wait_until_judged(broker, names, len(sent))
    assert detector.stop() == 0
    assert detector.matches(r"stopped: judged 5, fraud 1 \(amount_over_threshold 1\), legit 4, dead letters 2$")
    dead = [
        (record.value, dict(record.headers)["__detector.errors.message"])
        for record in committed(broker, names.dead_letter)
    ]
    failed = [(n, each) for n, each in enumerate(sent) if 500 < AMOUNTS[n] <= 900]
    line = fails_over_500.__code__.co_firstlineno + 3
    reason = f"rule fails_over_500 failed (harmful_rules.py:{line}): LookupError: a"
    assert dead == [(each.value, f"{reason}{n}".encode()) for n, each in failed]
    [fraud] = committed(broker, names.fraud)
    assert list(fraud.headers) == [
        ("fraud.reason", b"amount_over_threshold: 999 is over 900"),
        ("fraud.score", b"100"),
        ("rule.failed", f"{reason}3".encode()),
    ]


@pytest.mark.parametrize(
    ("client", "rule"),
    [
        ("kafka-python", "harmful_rules:has_signals_of_its_own"),
        ("kafka-python", "harmful_rules:returns_twice"),
        ("confluent", "harmful_rules:returns_twice"),
        ("confluent", "harmful_rules:ends_a_child_of_its_own"),
        ("kafka-python", "harmful_rules:takes_the_output_away"),
        ("confluent", "harmful_rules:leaves_half_a_line"),
        ("kafka-python", "lingering_rules:sees_nothing"),
    ],
    indirect=["client"],
)
def test_a_rule_that_meddles_with_the_process_changes_neither_verdicts_nor_exit_codes(
    services: Services, broker: str, names: Names, rule: str
) -> None:
    create_topics(broker, names.transactions, partitions=1)
    paid = (f'{{"id":"{n}","source":"a","target":"b","amount":{n}}}'.encode() for n in range(891, 911))
    write(broker, [message(names.transactions, value) for value in paid])
    settings = {"FRAUD_RULES": f"tests.support.{rule}", "LOG_FORMAT": "json", "TOPIC_PARTITIONS": "1"}
    assert services.start("detector", "--check", **settings).wait(20) == 0
    detector = services.start("detector", **settings)
    wait_until_judged(broker, names, 20)
    assert detector.is_running_after(4)  # a second longer than a process that was asked to stop
    assert detector.stop() == 0
    assert_each_judged_once(broker, names, 20)
    assert json.loads(detector.wait_for_line('"stopped: ').string)["judged"] == 20
    audit = services.start("audit", **settings)
    assert audit.wait(60) == 0
    assert json.loads(audit.wait_for_line("audit passed").string)["counts"]["lost"] == 0
