"""What a topic accepts, according to its configuration, and what is assumed where that may not be read."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from messaging.security.refusals import settings_hidden
from messaging.security.settings import SecuritySettings

ANY_TIME_MS = 2**63 - 1
KAFKAS_MAX_MESSAGE_BYTES = 1_048_588  # https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes

_CLEANUP = "cleanup.policy"
_LARGEST = "max.message.bytes"
_KIND_OF_TIME = "message.timestamp.type"
_BEFORE = "message.timestamp.before.max.ms"
_AFTER = "message.timestamp.after.max.ms"
TOPIC_CONFIGS = (_CLEANUP, _LARGEST, _KIND_OF_TIME, _BEFORE, _AFTER)

logger = logging.getLogger(__name__)


class Topic(NamedTuple):
    """What the cluster says of a topic; `max_message_bytes` is the size of the largest record batch it accepts.

    A record's timestamp may be at most `most_before_ms` before the broker's time, and `most_after_ms` after it. A topic
    that `is_compacted` refuses records without a key, and keeps only the last of each.
    """

    partitions: int
    max_message_bytes: int
    most_before_ms: int = ANY_TIME_MS
    most_after_ms: int = ANY_TIME_MS
    is_compacted: bool = False


def describe_topic(partitions: int, configs: Mapping[str, str] | None) -> Topic:
    """Return a topic by the cluster's TOPIC_CONFIGS for it; one that is without a bound on time has none.

    None, where they may not be seen: a topic with Kafka's default size and without limits on time. Kafka 4 has one of
    an hour into the future, but what the input has taken, an output with the same settings takes too; and where that is
    wrong, the broker refuses the batch and nothing is lost, while a limit that is not there would cost good records
    their verdict.
    """
    if configs is None:
        return Topic(partitions, KAFKAS_MAX_MESSAGE_BYTES)
    largest, is_compacted = int(configs[_LARGEST]), "compact" in configs.get(_CLEANUP, "")
    if configs.get(_KIND_OF_TIME) == "LogAppendTime":  # the broker's own time stands in the place of any other
        return Topic(partitions, largest, is_compacted=is_compacted)
    before, after = (int(configs.get(name) or ANY_TIME_MS) for name in (_BEFORE, _AFTER))
    return Topic(partitions, largest, before, after, is_compacted)


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


@cache
def _warn_once(line: str) -> None:
    """Log a line that stays true however often a client is replaced."""
    logger.warning("%s", line)
