"""Audits, one after the other, beside detectors under load whose rules and lists change: none raises an alarm."""

import random
from contextlib import closing

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from audit.auditor import Auditor
from audit.findings import KINDS
from audit.settings import AuditSettings
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.chaos.rule_changes import RuleChanges
from tests.support.auditing import audit
from tests.support.change_sets import change
from tests.support.conservation import wait_until_judged
from tests.support.services import Services
from tests.support.topics import Names, create_topics, open_consumer

pytestmark = pytest.mark.integration

QUIET = {"LOG_TRANSACTIONS": "none"}
ENOUGH_CHANGES = 6


def test_what_was_judged_meanwhile_is_known_at_any_moment(services: Services, broker: str, names: Names) -> None:
    create_topics(broker, names.rules, names.lists, partitions=1, settings={"retention.ms": "-1"})
    load = services.start("generator", TRANSACTIONS_PER_SECOND="1000", **QUIET)
    load.wait_for_line("connected")
    detectors = [services.start("detector", BATCH_SIZE="100", **QUIET) for _ in range(2)]
    wait_until_judged(broker, names, 500)
    settings = {"KAFKA_BOOTSTRAP_SERVERS": broker, **names.settings()}
    auditor = Auditor(read_settings(AuditSettings, settings), Stop())
    with closing(RuleChanges(broker, names, random.Random(7))) as changes:
        changes.begin()
        while len(changes.versions) < ENOUGH_CHANGES:
            for findings in (auditor.audit(), audit(settings)):
                assert findings is not None
                assert findings.offences.examples == {}
                assert findings.not_replayable == {}
            if len(changes.versions) == ENOUGH_CHANGES // 2:
                detectors[0].kill()
    assert load.stop() == 0
    assert audit(settings).versions > 1


@pytest.mark.parametrize("client", ["confluent"], indirect=True)
def test_a_group_that_was_set_back_has_doubled_and_nothing_else(services: Services, broker: str, names: Names) -> None:
    create_topics(broker, names.rules, partitions=1, settings={"retention.ms": "-1"})
    create_topics(broker, names.transactions, partitions=1)
    generator = services.start("generator", TRANSACTION_COUNT="2000", TRANSACTIONS_PER_SECOND="0", **QUIET)
    assert generator.wait(60) == 0
    settings = {"KAFKA_BOOTSTRAP_SERVERS": broker, **names.settings()}
    for version, when in enumerate(("amount > 300", "amount > 600")):
        change(broker, names, "amount_over_threshold", version, when=when)
        set_back(broker, names)
        detector = services.start("detector", BATCH_SIZE="100", **QUIET)
        wait_until_judged(broker, names, 2_000)
        assert detector.stop() == 0
    counts = audit(settings).counts()
    assert {kind: counts[kind] for kind in KINDS if counts[kind]} == {"doubled": 2_000}
    assert counts["not replayable"] == 0


def set_back(broker: str, names: Names) -> None:
    with closing(open_consumer(broker, group_id=names.group)) as consumer:
        place = TopicPartition(names.transactions, 0)
        consumer.commit({place: OffsetAndMetadata(0, "", -1)})
