"""The topics that the detector writes, and what they accept."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from messaging.settings import TopicSettings
from messaging.topics import ANY_TIME_MS, Topic
from runtime.service import ServiceFailed


class Outputs(Struct, frozen=True):
    """Where the verdicts lead.

    `keeps_partition` names the topics that have as many partitions as the one that is read. `max_message_bytes` is the
    largest record batch that all of them accept. `most_before_ms` and `most_after_ms` say how far a timestamp may be
    before and after the present. `need_keys` are the compacted ones: they take no record without a key.
    """

    fraud: str
    legit: str
    dead_letter: str
    keeps_partition: Collection[str]
    max_message_bytes: int
    most_before_ms: int = ANY_TIME_MS
    most_after_ms: int = ANY_TIME_MS
    need_keys: Collection[str] = ()


def outputs_of(names: TopicSettings, topics: Mapping[str, Topic]) -> Outputs:
    """Return the outputs among the topics, which are described by name.

    Raises ServiceFailed where the one of dead letters is compacted: it would refuse some and delete others.
    """
    if topics[names.dead_letter].is_compacted:
        raise ServiceFailed(
            f"DEAD_LETTER_TOPIC={names.dead_letter} is compacted and would lose dead letters: "
            "set its cleanup.policy to delete, or name another topic"
        )
    source, outputs = topics[names.transactions], [topics[name] for name in names.outputs]
    most_after = min(output.most_after_ms for output in outputs)
    return Outputs(
        fraud=names.fraud,
        legit=names.legit,
        dead_letter=names.dead_letter,
        keeps_partition={name for name in names.outputs if topics[name].partitions == source.partitions},
        max_message_bytes=min(output.max_message_bytes for output in outputs),
        most_before_ms=min(output.most_before_ms for output in outputs),
        # They accept what the input has accepted, now or later, unless their limit is narrower.
        most_after_ms=most_after if most_after < source.most_after_ms else ANY_TIME_MS,
        need_keys={name for name in names.outputs if topics[name].is_compacted},
    )
