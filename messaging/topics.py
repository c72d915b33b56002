"""How topics are created, what one accepts and keeps, and what is assumed where its settings may not be read."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from messaging.security.refusals import settings_hidden
from messaging.security.settings import SecuritySettings
from messaging.settings import TopicCreationSettings

ANY_TIME_MS = 2**63 - 1
KAFKAS_MAX_MESSAGE_BYTES = 1_048_588  # https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes

_CLEANUP = "cleanup.policy"
_LARGEST = "max.message.bytes"
_KIND_OF_TIME = "message.timestamp.type"
_BEFORE = "message.timestamp.before.max.ms"
_AFTER = "message.timestamp.after.max.ms"
_RETENTION_MS = "retention.ms"
_RETENTION_BYTES = "retention.bytes"
TOPIC_CONFIGS = (_CLEANUP, _LARGEST, _KIND_OF_TIME, _BEFORE, _AFTER, _RETENTION_MS, _RETENTION_BYTES)
_FOR_EVER = -1
_KEEPS_ALL = MappingProxyType(
    {
        _CLEANUP: "delete",
        _KIND_OF_TIME: "LogAppendTime",
        _RETENTION_MS: str(_FOR_EVER),
        _RETENTION_BYTES: str(_FOR_EVER),
    }
)

logger = logging.getLogger(__name__)


class TopicShape(NamedTuple):
    """What a topic is created with; `configs` are settings by Kafka's names, the others are the cluster's defaults."""

    partitions: int
    replication_factor: int
    configs: Mapping[str, str] = MappingProxyType({})


class Topic(NamedTuple):
    """What the cluster says of a topic; `max_message_bytes` is the size of the largest record batch it accepts.

    A record's timestamp may be at most `most_before_ms` before the broker's time, and `most_after_ms` after it. A topic
    that `is_compacted` refuses records without a key, and keeps only the last of each. Others keep a record for
    `retention_ms` and each partition `retention_bytes`, -1: for ever and all; None: that may not be seen.
    """

    partitions: int
    max_message_bytes: int
    most_before_ms: int = ANY_TIME_MS
    most_after_ms: int = ANY_TIME_MS
    is_compacted: bool = False
    retention_ms: int | None = None
    retention_bytes: int | None = None


def payments_topics(creation: TopicCreationSettings, names: Iterable[str]) -> Mapping[str, TopicShape]:
    """Return how topics of transactions are created, by their names."""
    return dict.fromkeys(names, TopicShape(creation.partitions, creation.replication_factor))


def history_topics(creation: TopicCreationSettings, names: Iterable[str]) -> Mapping[str, TopicShape]:
    """Return how topics that are histories are created, by their names: in one order, and nothing is ever deleted."""
    return dict.fromkeys(names, TopicShape(1, creation.replication_factor, _KEEPS_ALL))


def problem_with_history(setting: str, name: str, topic: Topic) -> str | None:
    """Return in one line why a topic cannot be a history, None where nothing is known against it.

    What may not be seen of its settings is not held against it. `setting` is the one that names it.
    """
    named = f"{setting}={name}"
    if topic.partitions != 1:
        return f"{named} has {topic.partitions} partitions, in which a history has no order: it must have one"
    if topic.is_compacted:
        return f"{named} is compacted and would lose its history: set its cleanup.policy to delete"
    for config, kept in ((_RETENTION_MS, topic.retention_ms), (_RETENTION_BYTES, topic.retention_bytes)):
        if kept not in (None, _FOR_EVER):
            return f"{named} has {config}={kept} and would forget its history: set it to {_FOR_EVER}"
    return None


def describe_topic(partitions: int, configs: Mapping[str, str] | None) -> Topic:
    """Return a topic by the cluster's TOPIC_CONFIGS for it; one that is without a bound on time has none.

    None, where they may not be seen: a topic with Kafka's default size and without limits on time. Kafka 4 has one of
    an hour into the future, but what the input has taken, an output with the same settings takes too; and where that is
    wrong, the broker refuses the batch and nothing is lost, while a limit that is not there would cost good records
    their verdict.
    """
    if configs is None:
        return Topic(partitions, KAFKAS_MAX_MESSAGE_BYTES)
    topic = Topic(
        partitions,
        int(configs[_LARGEST]),
        is_compacted="compact" in configs.get(_CLEANUP, ""),
        retention_ms=_number(configs, _RETENTION_MS),
        retention_bytes=_number(configs, _RETENTION_BYTES),
    )
    if configs.get(_KIND_OF_TIME) == "LogAppendTime":  # the broker's own time stands in the place of any other
        return topic
    before, after = (int(configs.get(name) or ANY_TIME_MS) for name in (_BEFORE, _AFTER))
    return topic._replace(most_before_ms=before, most_after_ms=after)


def describe_all(
    security: SecuritySettings, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str] | None]
) -> Mapping[str, Topic]:
    """Return topics by their configs, None where these may not be seen; of such topics the log is told once."""
    hidden = tuple(sorted(name for name, found in configs.items() if found is None))
    if hidden:
        _warn_once(settings_hidden(security, hidden, KAFKAS_MAX_MESSAGE_BYTES))
    return {name: describe_topic(partitions[name], found) for name, found in configs.items()}


def log_created(names: Sequence[str]) -> None:
    """Tell the log of topics that were missing: a name that is misspelt is one of them."""
    if names:
        logger.info("created, because they were missing: topics %s", ", ".join(names))


def _number(configs: Mapping[str, str], name: str) -> int | None:
    return int(configs[name]) if name in configs else None


@cache
def _warn_once(line: str) -> None:
    """Log a line that stays true however often a client is replaced."""
    logger.warning("%s", line)
