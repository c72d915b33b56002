"""The audit on a real Kafka with rules, lists and notes: each verdict is that of what its offset was judged with."""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from audit import replay
from audit.auditor import Auditor
from audit.findings import Findings
from audit.settings import AuditSettings
from decision.list_change import ListChange, ListChangeSet, encode
from decision.rule import Rule
from embedded_kafka.secured import SecuredKafka
from messaging.batch import Message
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.contract.stage import deliver
from tests.support.auditing import audit, note, problems, reading
from tests.support.change_sets import Changes, changes
from tests.support.secured import Scene
from tests.support.topics import (
    WRITE_SECONDS,
    Names,
    create_topics,
    delete_records,
    delete_topic,
    message,
    open_consumer,
    raw_producer,
    send,
    write,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

REASON, SCORE = ("fraud.reason", b"large: amount = 600"), ("fraud.score", b"100")
HISTORY = [
    changes(("large", Rule("amount > 50"))),
    changes(("large", Rule("amount > 500")), base=1),
    changes(("large", Rule("amount > 0")), base=1),  # somebody has changed it meanwhile
    changes(("large", Rule("amount > 100")), base=2),
]
THRESHOLD_ALONE, FROM_50, FROM_500, FROM_100 = 0, 1, 2, 4  # versions
AMOUNTS = (60, 200, 600, 40)


def paid(amount: int) -> bytes:
    return f'{{"id":"{amount}","source":"a","target":"b","amount":{amount}}}'.encode()


def settings(servers: str, names: Names) -> Mapping[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": servers, **names.settings()}


def make_topics(servers: str, names: Names, partitions: int = 1) -> None:
    """Make the topics, and the group, which has judged nothing yet."""
    create_topics(servers, *names.topics, names.rules, partitions=partitions)
    create_topics(servers, names.lists, names.provenance, partitions=1)
    with closing(open_consumer(servers, group_id=names.group)) as consumer:
        consumer.assign([TopicPartition(names.transactions, 0)])
        consumer.commit({TopicPartition(names.transactions, 0): OffsetAndMetadata(0, "", -1)})


def change(servers: str, names: Names, offset: int, made: Changes) -> None:
    write(servers, [message(names.rules, made.value(offset))])


def judged(names: Names, amount: int, *, is_fraud: bool) -> Message:
    """Return the output of a transaction, with the headers that a detector would add."""
    topic, added = (names.fraud, [REASON, SCORE]) if is_fraud else (names.legit, [])
    return message(topic, paid(amount), headers=added)


def judge_all(servers: str, names: Names, *frauds: int) -> None:
    write(servers, [judged(names, amount, is_fraud=amount in frauds) for amount in AMOUNTS])


def judge_by(servers: str, names: Names, version: int, number: int = 1, offset: int = 0) -> None:
    """Note that a version of the rules is judged with."""
    write(servers, [note(names, number, offset=offset, rules=reading(servers, names.rules, version))])


def unknown(findings: Findings) -> Mapping[str, int]:
    return {cause: each.verdicts for cause, each in findings.not_replayable.items()}


@pytest.fixture
def topics(broker: str, names: Names) -> Names:
    """Transactions, and rules that have changed."""
    make_topics(broker, names)
    for offset, made in enumerate(HISTORY):
        change(broker, names, offset, made)
    write(broker, [message(names.transactions, paid(amount)) for amount in AMOUNTS])
    return names


@pytest.mark.parametrize(
    ("version", "frauds"),
    [(THRESHOLD_ALONE, ()), (FROM_50, (60, 200, 600)), (FROM_500, (600,)), (3, (600,)), (FROM_100, (200, 600))],
)
def test_what_the_noted_version_says_passes_and_nothing_else(
    broker: str, topics: Names, version: int, frauds: tuple[int, ...]
) -> None:
    judge_by(broker, topics, version)
    judge_all(broker, topics, *frauds)
    findings = audit(settings(broker, topics))
    assert not problems(findings)
    assert findings.versions == 1
    others = audit({**settings(broker, topics), "FRAUD_THRESHOLD": "5", "FIELD_AMOUNT": "elsewhere"})
    assert not problems(others)


def test_a_verdict_of_another_version_is_misrouted(broker: str, topics: Names) -> None:
    judge_by(broker, topics, FROM_50)
    judge_by(broker, topics, FROM_500, 2, offset=1)
    judge_all(broker, topics, 600)
    place = f"{topics.legit}[0] offset 0, from {topics.transactions}[0] offset 0, id 60"
    expected = f"expected {topics.fraud}: large"
    assert problems(audit(settings(broker, topics))) == [f"misrouted: {place}, {expected}"]


def test_a_note_that_was_dropped_accuses_nobody(broker: str, topics: Names) -> None:
    judge_by(broker, topics, FROM_50)
    judge_by(broker, topics, FROM_100, 3, offset=3)
    judge_all(broker, topics, 200, 600)
    findings = audit(settings(broker, topics))
    assert findings.law_holds
    assert unknown(findings) == {replay.MISSING_NOTE: 1}


def test_rules_that_were_altered_in_their_topic_make_their_verdicts_not_replayable(broker: str, topics: Names) -> None:
    judge_by(broker, topics, FROM_50)
    write(broker, [note(topics, 2, offset=2, rules=reading(broker, topics.rules, FROM_100).after(9, b"altered"))])
    judge_all(broker, topics, 60, 200, 600)
    findings = audit(settings(broker, topics))
    assert findings.law_holds
    assert unknown(findings) == {replay.NO_RULES: 2}


def test_a_topic_of_rules_that_was_cut_at_its_beginning_makes_them_so_too(
    broker: str, topics: Names, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    judge_by(broker, topics, FROM_100)
    judge_all(broker, topics, 200, 600)
    delete_records(broker, topics.rules, 1)
    assert unknown(audit(settings(broker, topics))) == {replay.NO_RULES: len(AMOUNTS)}
    assert f"{topics.rules}[0]: the first 1 offsets were deleted: what was there is not known here" in caplog.messages


def test_lists_are_those_of_the_noted_version(broker: str, names: Names) -> None:
    make_topics(broker, names)
    change(broker, names, 0, changes(("large", Rule('source in list["blocked"]'))))
    sets = [ListChange("blocked", 0, add=["a"]), ListChange("blocked", 1, remove=["a"])]
    for number, made in enumerate(sets):
        write(broker, [message(names.lists, encode(ListChangeSet(1, str(number), "anna", [made])))])
    write(broker, [message(names.transactions, paid(amount)) for amount in AMOUNTS])
    rules = reading(broker, names.rules)
    for number, version in enumerate((1, 2), 1):
        lists = reading(broker, names.lists, version)
        write(broker, [note(names, number, offset=2 * number - 2, rules=rules, lists=lists)])
    judge_all(broker, names, 60, 200)
    assert not problems(audit(settings(broker, names)))


def test_what_comes_between_two_audits_is_taken_in(
    broker: str, topics: Names, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    auditor = Auditor(read_settings(AuditSettings, settings(broker, topics)), Stop())
    judge_by(broker, topics, FROM_500)
    first = auditor.audit()
    assert first is not None
    assert first.in_flight == len(AMOUNTS)
    write(broker, [message(topics.rules, b"no change set"), message(topics.rules, None)])
    change(broker, topics, len(HISTORY), changes(("large", Rule("amount > 10")), base=FROM_100))
    judge_by(broker, topics, len(HISTORY) + 3, 2)
    judge_all(broker, topics, *AMOUNTS)
    for _ in range(2):
        findings = auditor.audit()
        assert findings is not None
        assert not problems(findings)
    (warning,) = [line for line in caplog.messages if topics.rules in line]
    assert warning.startswith(f"{topics.rules}[0] offset 4 counts for nothing here: not understood: ")
    assert warning.endswith(", and so with 1 more")


def test_a_note_is_waited_for_that_comes_after_its_verdicts_in_their_kafka_transaction(
    broker: str, topics: Names
) -> None:
    """A detector's records of one commit go to each topic by themselves."""
    writer = raw_producer(broker, {"transactional.id": topics.group, "transaction.timeout.ms": "900000"})
    writer.init_transactions(WRITE_SECONDS)
    writer.begin_transaction()
    send(writer, [judged(topics, amount, is_fraud=amount > 50) for amount in AMOUNTS])
    assert writer.flush(WRITE_SECONDS) == 0
    auditing = Auditing(settings(broker, topics))
    auditing.start()
    assert auditing.is_running_after(2)
    send(writer, [note(topics, rules=reading(broker, topics.rules, FROM_50))])
    writer.commit_transaction(WRITE_SECONDS)
    assert not problems(auditing.findings())


class Auditing(threading.Thread):
    """An audit in a thread of its own."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self._texts = texts
        self._found: list[Findings] = []

    def run(self) -> None:
        self._found.append(audit(self._texts))

    def is_running_after(self, seconds: float) -> bool:
        self.join(seconds)
        return self.is_alive()

    def findings(self) -> Findings:
        self.join(WRITE_SECONDS)
        return self._found[0]


@pytest.mark.parametrize("topic", ["rules", "lists", "provenance"])
def test_a_history_that_was_made_anew_in_the_middle_ends_the_audit(broker: str, topics: Names, topic: str) -> None:
    judge_by(broker, topics, FROM_500)
    write(broker, [message(topics.lists, b"of no importance")])
    auditor = Auditor(read_settings(AuditSettings, settings(broker, topics)), Stop())
    assert auditor.audit() is not None
    name = getattr(topics, topic)
    delete_topic(broker, name)
    assert auditor.audit() is not None
    create_topics(broker, name, partitions=1)
    expected = f"{topic.upper()}_TOPIC={name} is a new topic, or a part of it is lost: begin a new audit"
    with pytest.raises(ServiceFailed, match=re.escape(expected)):
        auditor.audit()


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
        histories = scene.names.rules, scene.names.lists, scene.names.provenance
        deliver(publisher, [message(topic, HISTORY[0].value(0)) for topic in histories])
    yield scene
    secured.apply()


def opened(scene: Scene) -> Auditor | None:
    """Return an auditor, None where Kafka, which has just started, has no coordinator of groups yet."""
    with suppress(ServiceFailed):
        return Auditor(read_settings(AuditSettings, scene.settings("audit")), Stop())
    return None


@pytest.mark.parametrize(("instead", "lacking"), [((), "Describe"), (("DESCRIBE",), "Read")])
@pytest.mark.parametrize("topic", ["rules", "lists", "provenance"])
def test_without_the_right_to_read_a_history_what_is_in_it_is_not_known(
    scene: Scene, caplog: pytest.LogCaptureFixture, topic: str, instead: tuple[str, ...], lacking: str
) -> None:
    caplog.set_level(logging.WARNING)
    name = getattr(scene.names, topic)
    scene.withdraw("audit", "READ", name, *instead)
    auditor = wait_until(lambda: opened(scene), 20, "the coordinator of the group")
    assert auditor is not None
    findings = [auditor.audit() for _ in range(2)]
    assert all(findings)
    (warning,) = [line for line in caplog.messages if name in line]
    assert f"KAFKA_SASL_USERNAME=audit lacks the right {lacking} on topic {name}" in warning
    assert warning.endswith(f": what is in {topic.upper()}_TOPIC={name} is not known here")
