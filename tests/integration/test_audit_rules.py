"""The audit on a real Kafka with a topic of rules: it allows what a version in question says, and nothing else."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from audit.auditor import Auditor
from audit.settings import AuditSettings
from decision.rule import Rule
from embedded_kafka.secured import SecuredKafka
from messaging.batch import Message
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.contract.stage import deliver
from tests.support.auditing import audit, problems
from tests.support.change_sets import Changes, changes
from tests.support.secured import Scene
from tests.support.topics import NOW, Names, create_topics, message, open_consumer, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

LONG_BEFORE, LATER = NOW - 1_000_000, NOW + 100_000
REASON, SCORE = ("fraud.reason", b"large: amount = 600"), ("fraud.score", b"100")
VOID = 2
HISTORY = [
    changes(("large", Rule("amount > 50")), at=LONG_BEFORE),
    changes(("large", Rule("amount > 500")), at=LONG_BEFORE, base=1),
    changes(("large", Rule("amount > 0")), at=LONG_BEFORE, base=1),  # somebody has changed it meanwhile
    changes(("large", Rule("amount > 100")), at=LATER, base=2),
]
AMOUNTS = (60, 200, 600, 950)


def paid(amount: int) -> bytes:
    return f'{{"id":"{amount}","source":"a","target":"b","amount":{amount}}}'.encode()


def settings(servers: str, names: Names) -> Mapping[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": servers, **names.settings()}


def make_topics(servers: str, names: Names, partitions: int) -> None:
    """Make the topics, and the group, which has judged nothing yet."""
    create_topics(servers, *names.topics, names.rules, partitions=partitions)
    with closing(open_consumer(servers, group_id=names.group)) as consumer:
        consumer.assign([TopicPartition(names.transactions, 0)])
        consumer.commit({TopicPartition(names.transactions, 0): OffsetAndMetadata(0, "", -1)})


def change(servers: str, names: Names, offset: int, made: Changes) -> None:
    write(servers, [message(names.rules, made.value(offset), timestamp=made.at)])


def judged(names: Names, amount: int, *, is_fraud: bool) -> Message:
    """Return the output of a transaction, with the headers that a detector would add."""
    topic, added = (names.fraud, [REASON, SCORE]) if is_fraud else (names.legit, [])
    return message(topic, paid(amount), headers=added)


@pytest.fixture
def topics(broker: str, names: Names) -> Names:
    """Transactions that came after the history's second change and before its last."""
    make_topics(broker, names, partitions=1)
    for offset, made in enumerate(HISTORY):
        change(broker, names, offset, made)
    write(broker, [message(names.transactions, paid(amount)) for amount in AMOUNTS])
    return names


@pytest.mark.parametrize("frauds", [{600, 950}, {200, 600, 950}], ids=["as it was then", "as it is now"])
def test_what_a_version_in_question_says_passes(broker: str, topics: Names, frauds: set[int]) -> None:
    write(broker, [judged(topics, amount, is_fraud=amount in frauds) for amount in AMOUNTS])
    findings = audit(settings(broker, topics))
    assert not problems(findings)
    assert findings.versions == 2


def test_fraud_that_only_an_old_version_and_a_void_change_set_call_so_is_misrouted(broker: str, topics: Names) -> None:
    write(broker, [judged(topics, amount, is_fraud=True) for amount in AMOUNTS])
    place = f"{topics.fraud}[0] offset 0, from {topics.transactions}[0] offset 0, id 60"
    expected = f"expected {topics.legit} (by 2 versions of the rules)"
    assert problems(audit(settings(broker, topics))) == [f"misrouted: {place}, {expected}"]


def test_legit_that_each_version_in_question_calls_fraud_is_misrouted(broker: str, topics: Names) -> None:
    write(broker, [judged(topics, amount, is_fraud=amount == 950) for amount in AMOUNTS])
    place = f"{topics.legit}[0] offset 2, from {topics.transactions}[0] offset 2, id 600"
    expected = f"expected {topics.fraud}: large (by 2 versions of the rules)"
    assert problems(audit(settings(broker, topics))) == [f"misrouted: {place}, {expected}"]


def test_a_change_between_two_audits_is_taken_in(broker: str, topics: Names, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    auditor = Auditor(read_settings(AuditSettings, settings(broker, topics)), Stop())
    first = auditor.audit()
    assert first is not None
    assert first.in_flight == len(AMOUNTS)
    write(broker, [message(topics.rules, b"no change set"), message(topics.rules, None)])
    change(broker, topics, len(HISTORY), changes(("large", Rule("amount > 10")), at=LATER, base=VOID + 2))
    write(broker, [judged(topics, amount, is_fraud=True) for amount in AMOUNTS])
    for _ in range(2):
        findings = auditor.audit()
        assert findings is not None
        assert not problems(findings)
        assert findings.versions == 3
    (warning,) = [line for line in caplog.messages if topics.rules in line]
    assert warning.startswith(f"{topics.rules}[0] offset 4 changes no rules here: not a change set: ")
    assert warning.endswith(", and so with 1 more")


def test_a_topic_of_rules_in_which_they_have_no_order_ends_the_audit(broker: str, names: Names) -> None:
    make_topics(broker, names, partitions=2)
    expected = f"RULES_TOPIC={names.rules} has 2 partitions: it must have one"
    wait_until(lambda: refusal(broker, names) == expected, 20, expected)  # new topics may be without leaders yet


def refusal(broker: str, names: Names) -> str:
    """Return why there is no audit."""
    with pytest.raises(ServiceFailed) as failed:
        audit(settings(broker, names))
    return str(failed.value)


@pytest.fixture
def scene(secured: SecuredKafka) -> Iterator[Scene]:
    scene = Scene(secured, "confluent")
    scene.allow(scene.table)
    scene.make_topics()
    with closing(scene.library.open_publisher(secured.setup.connection)) as publisher:
        deliver(publisher, [message(scene.names.rules, HISTORY[0].value(0))])
    yield scene
    secured.apply()


def opened(scene: Scene) -> Auditor | None:
    """Return an auditor, None where Kafka, which has just started, has no coordinator of groups yet."""
    with suppress(ServiceFailed):
        return Auditor(read_settings(AuditSettings, scene.settings("audit")), Stop())
    return None


@pytest.mark.parametrize(("instead", "lacking"), [((), "Describe"), (("DESCRIBE",), "Read")])
def test_without_the_right_to_read_the_rules_the_threshold_holds_alone(
    scene: Scene, caplog: pytest.LogCaptureFixture, instead: tuple[str, ...], lacking: str
) -> None:
    caplog.set_level(logging.WARNING)
    scene.withdraw("audit", "READ", scene.names.rules, *instead)
    auditor = wait_until(lambda: opened(scene), 20, "the coordinator of the group")
    assert auditor is not None
    findings = [auditor.audit() for _ in range(2)]
    assert [found is not None and found.versions for found in findings] == [1, 1]
    (warning,) = [line for line in caplog.messages if scene.names.rules in line]
    assert f"KAFKA_SASL_USERNAME=audit lacks the right {lacking} on topic {scene.names.rules}" in warning
    assert warning.endswith(": only FRAUD_THRESHOLD and FRAUD_RULES are known here")
