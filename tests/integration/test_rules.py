"""A rule of the user's that fails on some transactions, and not on others."""

from decimal import Decimal

import pytest

from tests.conservation import wait_until_judged
from tests.services import Services
from tests.topics import Names, committed, create_topic, message, write

pytestmark = pytest.mark.integration

AMOUNTS = [Decimal(amount) for amount in (1, 501, 500, 999, 2, 3, 777)]


def test_what_a_rule_fails_on_becomes_a_dead_letter_that_names_the_rule(
    services: Services, broker: str, names: Names
) -> None:
    create_topic(broker, names.transactions, partitions=1)
    sent = [
        message(names.transactions, f'{{"id":"{n}","source":"a{n}","target":"b","amount":{amount}}}'.encode())
        for n, amount in enumerate(AMOUNTS)
    ]
    write(broker, sent)
    detector = services.start("detector", FRAUD_RULES="tests.harmful_rules:fails_over_500", DEAD_LETTER_LIMIT="2")
    wait_until_judged(broker, names, len(sent))
    assert detector.stop() == 0
    assert detector.matches("stopped: judged 4, fraud 0, legit 4, dead letters 3$")
    dead = [
        (record.value, dict(record.headers)["__detector.errors.message"])
        for record in committed(broker, names.dead_letter)
    ]
    failed = [(n, each) for n, each in enumerate(sent) if AMOUNTS[n] > 500]
    assert dead == [(each.value, f"rule fails_over_500 failed: LookupError: a{n}".encode()) for n, each in failed]
