"""What the settings of a topic say of what it takes."""

import pytest

from messaging.topics import ANY_TIME_MS, Topic, describe_topic

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
