"""Who may do what: a table from which the cluster's ACLs are made. What is not in it is refused. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from messaging.settings import TopicSettings

BROKER = "kafka"
SETUP = "setup"
SUPER_USERS = (BROKER, SETUP)  # by their certificates, without an ACL and without a password
USERS = ("generator", "detector", "audit", "operator")


class Right(NamedTuple):
    """One ACL, in Kafka's words: `principal` may do `operation` on the resource, or on all whose name begins so."""

    principal: str
    operation: str
    resource: str
    name: str
    is_prefix: bool = False


def rights(consumer_group: str, topics: TopicSettings) -> Sequence[Right]:
    """Return all that the users may do, and nothing more.

    Read and Write bring Describe with them, and the first Write on a topic the right to write idempotently. With
    DescribeConfigs is known what the topics take and keep; everybody goes on without it.
    """
    return [
        *_of_the_generator(topics),
        *_of_the_detector(consumer_group, topics),
        *_of_the_audit(consumer_group, topics),
        *_of_the_operator(topics),
    ]


def _of_the_generator(topics: TopicSettings) -> Iterator[Right]:
    yield Right("generator", "WRITE", "TOPIC", topics.transactions)


def _of_the_detector(consumer_group: str, topics: TopicSettings) -> Iterator[Right]:
    for read in (topics.transactions, *topics.histories):
        yield Right("detector", "READ", "TOPIC", read)
    yield Right("detector", "READ", "GROUP", consumer_group)
    yield Right("detector", "WRITE", "TRANSACTIONAL_ID", f"{consumer_group}-", is_prefix=True)
    for written in (*topics.outputs, topics.provenance):
        yield Right("detector", "WRITE", "TOPIC", written)
    for topic in (*topics.all, *topics.histories):
        yield Right("detector", "DESCRIBE_CONFIGS", "TOPIC", topic)


def _of_the_audit(consumer_group: str, topics: TopicSettings) -> Iterator[Right]:
    yield Right("audit", "DESCRIBE", "GROUP", consumer_group)
    for topic in (*topics.all, *topics.histories):
        yield Right("audit", "READ", "TOPIC", topic)
        yield Right("audit", "DESCRIBE_CONFIGS", "TOPIC", topic)


def _of_the_operator(topics: TopicSettings) -> Iterator[Right]:
    """Yield what it takes to change rules and lists, to try a rule on transactions, and to explain their verdicts."""
    for written in (topics.rules, topics.lists):
        yield Right("operator", "WRITE", "TOPIC", written)
    for topic in (*topics.all, *topics.histories):
        yield Right("operator", "READ", "TOPIC", topic)
        yield Right("operator", "DESCRIBE_CONFIGS", "TOPIC", topic)
