"""The settings that services share, grouped by who needs them: connection, group, topic creation, topic names."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from messaging.security.settings import SecuritySettings
from runtime.parsing import one_of, whole_number
from runtime.settings import InvalidSettings, Mistake, setting

CLIENTS = ("kafka-python", "confluent")
_SERVER = r"(\[[0-9a-fA-F:.]+\]|[^\s:,/\[\]]+):\d{1,5}"
_HIGHEST_PORT = 65_535
_HISTORIES = ("RULES_TOPIC", "LISTS_TOPIC", "PROVENANCE_TOPIC")
_KAFKAS_OWN = {"__consumer_offsets", "__transaction_state", "__share_group_state"}
_TOPIC = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}")


def servers(text: str) -> str:
    """Return a list of servers as it is: host:port, separated by commas."""
    if not (re.fullmatch(rf"{_SERVER}(,{_SERVER})*", text) and all(map(_can_be_looked_up, text.split(",")))):
        message = "host:port, or several, comma-separated"
        raise ValueError(message)
    return text


def _can_be_looked_up(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        host.encode("idna")
    except UnicodeError:  # an empty or overlong part of a name, or what is no text
        return False
    return int(port) <= _HIGHEST_PORT


def topic_name(text: str) -> str:
    """Return a name that Kafka allows for a topic."""
    if not _TOPIC.fullmatch(text):
        message = "a topic name: up to 249 letters, digits, dots, underscores and hyphens"
        raise ValueError(message)
    if text in _KAFKAS_OWN:
        message = "a topic of your own, not one that Kafka keeps for itself"
        raise ValueError(message)
    return text


def group_name(text: str) -> str:
    """Return a name for a consumer group."""
    if not text.isprintable() or text != text.strip():
        message = "a name without control characters or surrounding spaces"
        raise ValueError(message)
    return text


def consumer_group() -> Any:
    """Declare the field for the group's name, for all who need no more of it."""
    return setting(
        "CONSUMER_GROUP",
        "detector",
        group_name,
        "the detectors' consumer group, which keeps their offsets; another group needs its own output topics",
    )


def transactions_topic() -> Any:
    """Declare the field for the input's name, for all who need no other."""
    return setting(
        "TRANSACTIONS_TOPIC",
        "transactions",
        topic_name,
        "the topic that the generator writes; all topics must differ",
    )


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """The cluster, how to connect to it, and with which client library."""

    bootstrap_servers: str = setting(
        "KAFKA_BOOTSTRAP_SERVERS", "localhost:9092", servers, "where Kafka is: host:port, or several, comma-separated"
    )
    client: str = setting(
        "KAFKA_CLIENT",
        "kafka-python",
        partial(one_of, CLIENTS),
        f"the client library: {' or '.join(CLIENTS)} (faster)",
    )
    security: SecuritySettings


@dataclass(frozen=True)
class GroupSettings:
    """The consumer group, and how its members process."""

    consumer_group: str = consumer_group()
    batch_size: int = setting(
        "BATCH_SIZE",
        "10000",
        partial(whole_number, 1, 1_000_000),
        "maximum number of records in one Kafka transaction; fewer where rules are slow or a quota delays",
    )
    session_timeout_ms: int = setting(
        "KAFKA_SESSION_TIMEOUT_MS",
        "6000",
        partial(whole_number, 1000, 1_800_000),
        "after this many ms of silence a detector's partitions go to the others (the broker sets the limits)",
    )
    transaction_timeout_ms: int = setting(
        "KAFKA_TRANSACTION_TIMEOUT_MS",
        "5000",
        partial(whole_number, 1000, 900_000),
        "after this many ms the broker aborts what a killed detector left unfinished; until then readers wait",
    )


@dataclass(frozen=True)
class TopicCreationSettings:
    """The shape of topics that have to be created."""

    partitions: int = setting(
        "TOPIC_PARTITIONS",
        "4",
        partial(whole_number, 1, 10_000),
        "partitions of each topic of transactions that is created; at most this many detectors share the work",
    )
    replication_factor: int = setting(
        "TOPIC_REPLICATION_FACTOR", "1", partial(whole_number, 1, 100), "replicas of each of those partitions"
    )


@dataclass(frozen=True)
class TopicSettings:
    """The topics' names, all different."""

    transactions: str = transactions_topic()
    fraud: str = setting("FRAUD_TOPIC", "fraud", topic_name, "transactions judged to be fraud")
    legit: str = setting("LEGIT_TOPIC", "legit", topic_name, "all other transactions")
    dead_letter: str = setting(
        "DEAD_LETTER_TOPIC", "dead-letter", topic_name, "records that are not valid transactions"
    )
    rules: str = setting(
        "RULES_TOPIC", "rules", topic_name, "every change of the rules; one partition, from which nothing is deleted"
    )
    lists: str = setting(
        "LISTS_TOPIC", "lists", topic_name, "every change of the lists that rules ask; kept as RULES_TOPIC is"
    )
    provenance: str = setting(
        "PROVENANCE_TOPIC", "provenance", topic_name, "what the transactions were judged with; kept as RULES_TOPIC is"
    )

    def __post_init__(self) -> None:
        """Refuse a name used twice: a detector would read its own output for ever."""
        settings = ("TRANSACTIONS_TOPIC", "FRAUD_TOPIC", "LEGIT_TOPIC", "DEAD_LETTER_TOPIC", *_HISTORIES)
        topics = (*self.all, *self.histories)
        named = zip(settings, topics, strict=True)
        twice = [Mistake(name, topic, "a topic of its own") for name, topic in named if topics.count(topic) > 1]
        if twice:
            raise InvalidSettings(twice)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what the detector writes: fraud, legit, dead letters."""
        return (self.fraud, self.legit, self.dead_letter)

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all that transactions pass through, the input's first."""
        return (self.transactions, *self.outputs)

    @property
    def histories(self) -> tuple[str, ...]:
        """The names of those with one partition, which keep everything."""
        return (self.rules, self.lists, self.provenance)
