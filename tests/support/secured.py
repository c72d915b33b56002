"""A secured broker of the tests, with the other mechanisms to log in too, and who may do what on it."""

from collections.abc import Sequence
from contextlib import closing

from embedded_kafka.secured import SecuredKafka
from messaging.settings import ConnectionSettings, GroupSettings, TopicSettings
from messaging.supervisor import load_library
from messaging.topics import TopicShape
from provisioning.cluster import allow_only, open_admin
from provisioning.principals import Right, rights
from runtime.settings import read_settings
from tests.contract.stage import deliver
from tests.support.brokers import IMPATIENT
from tests.support.topics import message, unique_names

ONE_PARTITION = TopicShape(1, 1)
PASSWORD = "of the other mechanisms"  # noqa: S105 - of a Kafka that lives for a test
PROPERTIES = {
    **IMPATIENT,
    "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
    "listener.name.clients.scram-sha-256.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    "listener.name.clients.plain.sasl.jaas.config": (
        f'org.apache.kafka.common.security.plain.PlainLoginModule required user_generator="{PASSWORD}";'
    ),
}


class Scene:
    """Topics and a group of a test's own on a secured cluster, where everybody has the rights of the table."""

    def __init__(self, kafka: SecuredKafka, client: str) -> None:
        self.names = unique_names()
        self.library = load_library(client)
        self.group = read_settings(GroupSettings, self.names.settings())
        self.table = rights(self.names.group, read_settings(TopicSettings, self.names.settings()))
        self.topics = dict.fromkeys(self.names.topics, ONE_PARTITION)
        self._kafka = kafka
        self._setup = kafka.setup.connection
        self._admin = open_admin(self._setup)

    def settings(self, user: str) -> dict[str, str]:
        """Return the settings of a user's service."""
        return {**self._kafka.login(user), **self.names.settings(), "TOPIC_PARTITIONS": "1"}

    def connection(self, user: str) -> ConnectionSettings:
        """Return how the user connects."""
        return read_settings(ConnectionSettings, self.settings(user))

    def allow(self, allowed: Sequence[Right]) -> None:
        """Give these rights, and take away all others."""
        allow_only(self._admin, allowed)

    def make_topics(self) -> None:
        """Make the topics, with a record to judge."""
        histories = (self.names.rules, self.names.lists, self.names.provenance)
        self.library.create_topics(self._setup, {**self.topics, **dict.fromkeys(histories, ONE_PARTITION)})
        with closing(self.library.open_publisher(self._setup)) as publisher:
            deliver(publisher, [message(self.names.transactions, b"any")])

    def withdraw(self, user: str, operation: str, name: str, *instead: str) -> None:
        """Take from a user one right of the table, by a part of the resource's name; he may do `instead` there."""
        taken = [right for right in self.table if right[:2] == (user, operation) and name in right.name]
        assert taken
        given = [right._replace(operation=other) for right in taken for other in instead]
        self.allow([*(right for right in self.table if right not in taken), *given])
