"""Topics that are histories, of rules for instance: one partition, from which nothing is ever deleted."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from messaging.seam import AccessRefused, ClientLibrary
from messaging.settings import ConnectionSettings, TopicCreationSettings, TopicSettings
from messaging.topics import Topic, history_topics, problem_with_history
from runtime.service import ServiceFailed

_LEAST_BYTES = 65_536


class HistoryTopic(NamedTuple):
    """Where a history is, and how to get there; `setting` is the one that names it, `holds` what it is a history of."""

    setting: str
    name: str
    holds: str
    library: ClientLibrary
    connection: ConnectionSettings
    creation: TopicCreationSettings

    @property
    def named(self) -> str:
        """Its name as a setting."""
        return f"{self.setting}={self.name}"

    def expect(self, *, may_create: bool = True) -> Topic:
        """Return the topic, which is made where it is missing. Raises ServiceFailed for one that is unfit.

        Raises ClientFailed and AccessRefused too.
        """
        if may_create:
            self.library.create_topics(self.connection, history_topics(self.creation, [self.name]))
        topic = self.library.describe_topics(self.connection, [self.name])[self.name]
        self.raise_if_unfit(topic)
        return topic

    def raise_if_unfit(self, topic: Topic) -> None:
        """Raise ServiceFailed where the topic, as it is, cannot be a history."""
        problem = problem_with_history(self.setting, self.name, topic)
        if problem is not None:
            raise ServiceFailed(problem)

    def raise_if_too_small(self, topic: Topic) -> None:
        """Raise ServiceFailed where the topic may not take what a service writes there by itself."""
        if topic.max_message_bytes < _LEAST_BYTES:
            size = f"max.message.bytes={topic.max_message_bytes}"
            raise ServiceFailed(f"{self.named} has {size}, too little for notes: set it to at least {_LEAST_BYTES}")

    def end(self) -> int:
        """Return where it ends now, open Kafka transactions included. Raises ClientFailed and AccessRefused."""
        return self.library.end_offsets(self.connection, [self.name])[self.name, 0]


class _Settings(Protocol):
    @property
    def connection(self) -> ConnectionSettings: ...

    @property
    def topic_creation(self) -> TopicCreationSettings: ...

    @property
    def topics(self) -> TopicSettings: ...


def history_topic(settings: _Settings, library: ClientLibrary, holds: str) -> HistoryTopic:
    """Return the topic of rules, lists or provenance, as the settings name it."""
    setting, name = f"{holds.upper()}_TOPIC", getattr(settings.topics, holds)
    return HistoryTopic(setting, name, holds, library, settings.connection, settings.topic_creation)


def ends_of(topics: Sequence[HistoryTopic]) -> Mapping[str, int]:
    """Do for several what `expect` and `end` do for one, in a third of the time, and return where they end.

    Nothing where Kafka refuses something: that is to be asked of each by itself then. Raises ServiceFailed and
    ClientFailed.
    """
    first, names = topics[0], [topic.name for topic in topics]
    try:
        first.library.create_topics(first.connection, history_topics(first.creation, names))
        described = first.library.describe_topics(first.connection, names)
        for topic in topics:
            topic.raise_if_unfit(described[topic.name])
        ends = first.library.end_offsets(first.connection, names)
    except AccessRefused:
        return {}
    return {name: ends[name, 0] for name in names}
