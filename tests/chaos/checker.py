"""What is found after the faults."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.chaos.load import Load
from tests.chaos.rule_changes import RuleChanges
from tests.chaos.witness import Witness
from tests.support.auditing import audit, problems
from tests.support.topics import Names, committed
from tests.support.waiting import BUSY, wait_until

_OFFSETS = "__consumer_offsets"
_HANGING_SECONDS = 20.0
_ANSWER_SECONDS = 10.0 * BUSY


class CheckResult(NamedTuple):
    """The auditor's numbers, and every problem in words; none: nothing is lost, doubled or out of order."""

    counts: Mapping[str, int]
    problems: Sequence[str]


def check(settings: Mapping[str, str], names: Names, load: Load, rules: RuleChanges, witness: Witness) -> CheckResult:
    """Look at everything, when the load has ended and all of it is judged; the settings are the auditor's."""
    servers = settings["KAFKA_BOOTSTRAP_SERVERS"]
    findings = audit(settings)
    outputs = [record for topic in names.outputs for record in committed(servers, topic)]
    return CheckResult(
        findings.counts(),
        [
            *problems(findings),
            *load.problems(committed(servers, names.transactions)),
            *rules.problems([record for record in outputs if record.topic != names.dead_letter], names.fraud),
            *witness.contradictions(outputs),
            *hanging(servers, names),
        ],
    )


def hanging(servers: str, names: Names) -> Sequence[str]:
    """Return the partitions in which a Kafka transaction stays open though nobody is at work on it."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 2})
    topics = admin.list_topics(timeout=_ANSWER_SECONDS).topics
    places = [
        TopicPartition(topic, number)
        for topic in (*names.settings().values(), _OFFSETS)
        if topic in topics
        for number in topics[topic].partitions
    ]
    try:
        wait_until(lambda: not _open(admin, places), _HANGING_SECONDS, "the end of all Kafka transactions")
    except AssertionError:
        return [f"a Kafka transaction hangs in {topic}[{number}]" for topic, number in _open(admin, places)]
    return []


def _open(admin: AdminClient, places: Sequence[TopicPartition]) -> Sequence[tuple[str, int]]:
    stable = _latest(admin, places, IsolationLevel.READ_COMMITTED)
    high = _latest(admin, places, IsolationLevel.READ_UNCOMMITTED)
    return [place for place, offset in high.items() if stable[place] < offset]


def _latest(
    admin: AdminClient, places: Sequence[TopicPartition], isolation: IsolationLevel
) -> Mapping[tuple[str, int], int]:
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    answers = admin.list_offsets(dict.fromkeys(places, latest), isolation_level=isolation)
    return {(place.topic, place.partition): answer.result(_ANSWER_SECONDS).offset for place, answer in answers.items()}
