"""Transactions of other shapes are judged by settings alone, and the audit agrees."""

import random
from itertools import cycle

import pytest

from messaging.settings import CLIENTS
from tests.support.auditing import audit, problems
from tests.support.conservation import wait_until_judged
from tests.support.services import Services
from tests.support.shapes import SHAPES
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration

RECORDS = 300
CASES = list(zip(cycle(CLIENTS), SHAPES, strict=False))


@pytest.mark.parametrize(("client", "shape"), CASES, indirect=["client"])
def test_records_of_another_shape_are_judged_by_settings_alone(
    services: Services, broker: str, names: Names, shape: str
) -> None:
    mapping, value = SHAPES[shape]
    chance = random.Random(shape)
    amounts = [chance.randrange(80_000, 100_000) for _ in range(RECORDS)]
    sent = [value(number, chance.randrange(9), 10 + chance.randrange(9), cents) for number, cents in enumerate(amounts)]
    create_topics(broker, names.transactions, partitions=2)
    write(broker, [message(names.transactions, each) for each in sent])
    settings = {**mapping, "FRAUD_RULES": "tests.support.shapes:from_germany"}
    detector = services.start("detector", LOG_TRANSACTIONS="none", **settings)
    wait_until_judged(broker, names, RECORDS)
    assert detector.stop() == 0
    found = {record.value for record in committed(broker, names.fraud)}
    assert found == {
        each for each, cents in zip(sent, amounts, strict=True) if cents > 90_000 or b'"country": "DE"' in each
    }
    assert not committed(broker, names.dead_letter)
    assert not problems(audit({"KAFKA_BOOTSTRAP_SERVERS": broker, **names.settings(), **settings}))
