"""What the settings of a topic say of what it takes."""

import pytest

from detector.settings import DetectorSettings
from messaging.history import history_topic
from messaging.topics import ANY_TIME_MS, Topic, describe_topic, problem_with_history
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from tests.support.in_memory_client import InMemoryCluster

SETTINGS = {
    "max.message.bytes": "1000",
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": "7",
    "message.timestamp.after.max.ms": "8",
}


def test_a_topic_takes_timestamps_around_the_present() -> None:
    assert describe_topic(4, SETTINGS) == Topic(4, 1000, 7, 8)


def test_a_topic_with_times_of_its_own_takes_any() -> None:
    assert describe_topic(4, {**SETTINGS, "message.timestamp.type": "LogAppendTime"}) == Topic(4, 1000)


def test_a_broker_without_such_limits_takes_any() -> None:
    assert describe_topic(4, {"max.message.bytes": "1000"}) == Topic(4, 1000, ANY_TIME_MS, ANY_TIME_MS)


def test_a_topic_whose_settings_may_not_be_seen_has_kafkas_size_and_takes_any_time() -> None:
    assert describe_topic(4, None) == Topic(4, 1_048_588, ANY_TIME_MS, ANY_TIME_MS)


@pytest.mark.parametrize(("policy", "is_compacted"), [("delete", False), ("compact", True), ("compact,delete", True)])
def test_a_compacted_topic_is_known_as_one(policy: str, *, is_compacted: bool) -> None:
    assert describe_topic(4, {**SETTINGS, "cleanup.policy": policy}).is_compacted == is_compacted


@pytest.mark.parametrize(("name", "text"), [("retention.ms", "604800000"), ("retention.bytes", "-1")])
def test_it_is_known_what_a_topic_keeps(name: str, text: str) -> None:
    topic = describe_topic(4, {**SETTINGS, name: text})
    kept = {"retention.ms": topic.retention_ms, "retention.bytes": topic.retention_bytes}
    assert {name: value for name, value in kept.items() if value is not None} == {name: int(text)}


KEEPS_ALL = Topic(1, 1000, retention_ms=-1, retention_bytes=-1)


@pytest.mark.parametrize("topic", [KEEPS_ALL, describe_topic(1, None)])
def test_a_topic_that_keeps_the_rules_or_may_do_so_for_all_that_is_seen_is_no_problem(topic: Topic) -> None:
    assert problem_with_history("RULES_TOPIC", "rules", topic) is None


@pytest.mark.parametrize(
    ("topic", "problem"),
    [
        (describe_topic(4, None), "has 4 partitions, in which a history has no order: it must have one"),
        (
            KEEPS_ALL._replace(is_compacted=True),
            "is compacted and would lose its history: set its cleanup.policy to delete",
        ),
        (
            KEEPS_ALL._replace(retention_ms=604_800_000),
            "has retention.ms=604800000 and would forget its history: set it to -1",
        ),
        (KEEPS_ALL._replace(retention_bytes=0), "has retention.bytes=0 and would forget its history: set it to -1"),
    ],
)
def test_a_topic_that_would_lose_rules_is_a_problem(topic: Topic, problem: str) -> None:
    assert problem_with_history("RULES_TOPIC", "rules", topic) == f"RULES_TOPIC=rules {problem}"


def test_a_topic_that_may_not_take_a_note_is_refused() -> None:
    settings = read_settings(DetectorSettings, {})
    notes = history_topic(settings, InMemoryCluster(), "provenance")
    notes.raise_if_too_small(KEEPS_ALL._replace(max_message_bytes=65_536))
    with pytest.raises(ServiceFailed) as failed:
        notes.raise_if_too_small(KEEPS_ALL)
    assert str(failed.value) == (
        "PROVENANCE_TOPIC=provenance has max.message.bytes=1000, too little for notes: set it to at least 65536"
    )
