"""Topics: created where they are missing, and described as they are."""

import logging
from functools import partial

import pytest

from messaging.seam import ClientFailed
from messaging.settings import TopicCreationSettings
from messaging.topics import TopicShape, history_topics, problem_with_history
from tests.contract.stage import Stage, values
from tests.support.topics import NOW, message

KAFKAS_DEFAULT_BYTES = 1_048_588


def test_topics_are_created_as_the_settings_say(stage: Stage) -> None:
    new = [stage.names.group + "-1", stage.names.group + "-2"]
    topics = stage.create_topics(3, new)
    assert {name: topic.partitions for name, topic in topics.items()} == dict.fromkeys(new, 3)
    assert {topic.max_message_bytes for topic in topics.values()} == {KAFKAS_DEFAULT_BYTES}


def test_the_log_names_those_that_were_missing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    new = stage.names.group + "-new"
    for _ in range(2):
        stage.create_topics(1, [stage.names.transactions, new])
    told = [line for line in caplog.messages if line.startswith("created")]
    assert told == [f"created, because they were missing: topics {new}"]


def test_topics_that_exist_stay_as_they_are(stage: Stage) -> None:
    old, new = stage.names.transactions, stage.names.group + "-new"
    stage.write([message(old, b"value")])
    topics = stage.create_topics(7, [old, new])
    assert {name: topic.partitions for name, topic in topics.items()} == {old: 1, new: 7}
    assert values(stage.read(old, 1)) == [b"value"]


def test_creating_topics_twice_gives_the_same_answer(stage: Stage) -> None:
    first, second = (stage.create_topics(4, stage.names.topics) for _ in range(2))
    assert first == second


def test_a_topic_is_created_with_settings_of_its_own(stage: Stage) -> None:
    name = stage.names.rules
    own = {"cleanup.policy": "compact,delete", "retention.ms": "3600000", "retention.bytes": "1000000"}
    stage.library.create_topics(stage.connection, {name: TopicShape(2, 1, own)})
    topic = stage.library.describe_topics(stage.connection, [name])[name]
    assert (topic.partitions, topic.is_compacted) == (2, True)
    assert (topic.retention_ms, topic.retention_bytes) == (3_600_000, 1_000_000)


def test_the_topic_of_rules_is_created_so_that_it_keeps_them(stage: Stage) -> None:
    name = stage.names.rules
    stage.library.create_topics(stage.connection, history_topics(TopicCreationSettings(4, 1), [name]))
    topic = stage.library.describe_topics(stage.connection, [name])[name]
    assert (topic.partitions, topic.is_compacted, topic.retention_ms, topic.retention_bytes) == (1, False, -1, -1)
    assert problem_with_history("RULES_TOPIC", name, topic) is None


def test_a_time_begins_at_the_first_offset_that_is_not_before_it(stage: Stage, topic_of_4: str) -> None:
    times = {0: (1, 2, 3), 1: (12, 11, 13), 2: (1,)}
    stage.write([message(topic_of_4, b"", timestamp=NOW + n, partition=p) for p in times for n in times[p]])
    found = [stage.library.offsets_at(stage.connection, [topic_of_4], NOW + n) for n in (0, 3, 11, 14)]
    offsets = [{partition: offset for (_, partition), offset in places.items()} for places in found]
    assert offsets == [{0: 0, 1: 0, 2: 0}, {0: 2, 1: 0}, {1: 0}, {}]


def test_a_topic_that_does_not_exist_is_named_where_its_offsets_are_asked_for(stage: Stage) -> None:
    missing = f"{stage.names.group}-missing"
    asked = [stage.names.transactions, missing]
    for ask in (stage.library.end_offsets, partial(stage.library.offsets_at, milliseconds=0)):
        with pytest.raises(ClientFailed, match=f"cannot read the topics: the topic {missing} does not exist"):
            ask(stage.connection, asked)
