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
    yield Right("detector", "READ", "TOPIC", topics.transactions)
    yield Right("detector", "READ", "TOPIC", topics.rules)
    yield Right("detector", "READ", "GROUP", consumer_group)
    yield Right("detector", "WRITE", "TRANSACTIONAL_ID", f"{consumer_group}-", is_prefix=True)
    for output in topics.outputs:
        yield Right("detector", "WRITE", "TOPIC", output)
    for topic in (*topics.all, topics.rules):
        yield Right("detector", "DESCRIBE_CONFIGS", "TOPIC", topic)


def _of_the_audit(consumer_group: str, topics: TopicSettings) -> Iterator[Right]:
    yield Right("audit", "DESCRIBE", "GROUP", consumer_group)
    for topic in (*topics.all, topics.rules):
        yield Right("audit", "READ", "TOPIC", topic)
        yield Right("audit", "DESCRIBE_CONFIGS", "TOPIC", topic)


def _of_the_operator(topics: TopicSettings) -> Iterator[Right]:
    """Yield what it takes to change the rules, and to try one on the latest transactions."""
    yield Right("operator", "WRITE", "TOPIC", topics.rules)
    for topic in (topics.rules, topics.transactions):
        yield Right("operator", "READ", "TOPIC", topic)
        yield Right("operator", "DESCRIBE_CONFIGS", "TOPIC", topic)
