"""What a topic's settings say of what it takes, and what is taken for granted where they may not be seen."""

import logging
from collections.abc import Mapping
from functools import cache

from messaging.seam import ANY_TIME_MS, Topic
from messaging.security.refusals import settings_hidden
from messaging.security.settings import SecuritySettings

KAFKAS_MAX_MESSAGE_BYTES = 1_048_588  # https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes

TOPIC_SETTINGS = (
    "max.message.bytes",
    "message.timestamp.type",
    "message.timestamp.before.max.ms",
    "message.timestamp.after.max.ms",
)

logger = logging.getLogger(__name__)


def describe_topic(partitions: int, settings: Mapping[str, str] | None) -> Topic:
    """Return a topic by the cluster's TOPIC_SETTINGS for it; one that is without a setting has no such limit.

    None, where they may not be seen: a topic with Kafka's default size and without limits on time. Kafka 4 has one of
    an hour into the future, but what the input has taken, an output with the same settings takes too; and where that is
    wrong, the broker refuses the batch and nothing is lost, while a limit that is not there would cost good records
    their verdict.
    """
    if settings is None:
        return Topic(partitions, KAFKAS_MAX_MESSAGE_BYTES)
    kind, before, after = (settings.get(name) for name in TOPIC_SETTINGS[1:])
    if kind == "LogAppendTime":  # the broker's own time stands in the place of any other
        before = after = None
    return Topic(partitions, int(settings[TOPIC_SETTINGS[0]]), int(before or ANY_TIME_MS), int(after or ANY_TIME_MS))


def describe_all(
    security: SecuritySettings, partitions: Mapping[str, int], settings: Mapping[str, Mapping[str, str] | None]
) -> Mapping[str, Topic]:
    """Return topics by their settings, None where these may not be seen; of such topics the log is told once."""
    hidden = tuple(sorted(name for name, found in settings.items() if found is None))
    if hidden:
        _warn_once(settings_hidden(security, hidden, KAFKAS_MAX_MESSAGE_BYTES))
    return {name: describe_topic(partitions[name], found) for name, found in settings.items()}


@cache
def _warn_once(line: str) -> None:
    """Log a line that stays true however often a client is replaced."""
    logger.warning("%s", line)
