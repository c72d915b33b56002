"""What can hold up a processor, in the words that all implementations of the seam use."""

from collections.abc import Collection, Mapping

NO_COORDINATOR = "Kafka names no coordinator for it (offsets.topic.replication.factor may exceed the number of brokers)"
NO_ANSWER = "its coordinator does not answer"
OTHER_MEMBERS = "its coordinator waits until the other members have joined again or have left"
_NO_LEADER = "it has no leader: the brokers that hold it are away, or not in sync with the one that wrote last"
NO_TRANSACTION_COORDINATOR = (
    "no answer from the coordinator of Kafka transactions (transaction.state.log.replication.factor may exceed the "
    "number of brokers)"
)
_OPEN = (
    "a Kafka transaction of another producer is open there; it ends when that producer commits or aborts it, or after "
    "its transaction.timeout.ms; one that hangs is found and ended with kafka-transactions.sh"
)


def does_not_exist(topic: str) -> str:
    """Return what is said of a topic that Kafka does not know."""
    return f"the topic {topic} does not exist"


def not_joined(group: str, why: str) -> Mapping[str, str]:
    """Return that the member is not in the group."""
    return {f"waiting for the group {group}": why}


def not_there(topic: str) -> Mapping[str, str]:
    """Return that there is nothing to read."""
    return {f"waiting for the topic {topic}": "it does not exist"}


def not_led(topic: str, partitions: Collection[int]) -> Mapping[str, str]:
    """Return that the partitions cannot be read."""
    return {f"waiting for {topic}[{partition}]": _NO_LEADER for partition in sorted(partitions)}


def not_stable(topic: str, ends: Mapping[int, int]) -> Mapping[str, str]:
    """Return that the partitions have committed records only up to there (their last stable offsets)."""
    return {f"committed records of {topic}[{partition}] end at offset {end}": _OPEN for partition, end in ends.items()}
