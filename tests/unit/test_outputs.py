"""What the detector makes of its output topics as the cluster describes them."""

import pytest

from detector.outputs import outputs_of
from messaging.settings import TopicSettings
from messaging.topics import Topic
from runtime.service import ServiceFailed

NAMES = TopicSettings("transactions", "fraud", "legit", "dead-letter", "rules", "lists", "provenance")
TOPICS = {
    "transactions": Topic(4, 1_000),
    "fraud": Topic(4, 900),
    "legit": Topic(2, 1_000),
    "dead-letter": Topic(4, 800),
}


def test_the_narrowest_of_them_says_how_large_a_message_may_be() -> None:
    assert outputs_of(NAMES, TOPICS).max_message_bytes == 800


def test_a_partition_is_kept_where_there_are_as_many() -> None:
    assert outputs_of(NAMES, TOPICS).keeps_partition == {"fraud", "dead-letter"}


def test_dead_letters_go_to_no_compacted_topic() -> None:
    compacted = {**TOPICS, "dead-letter": Topic(4, 800, is_compacted=True)}
    with pytest.raises(ServiceFailed, match="DEAD_LETTER_TOPIC=dead-letter is compacted and would lose dead letters"):
        outputs_of(NAMES, compacted)


def test_verdicts_may_go_to_one() -> None:
    assert outputs_of(NAMES, {**TOPICS, "legit": Topic(4, 900, is_compacted=True)}).legit == "legit"
