"""The stage of the contract tests: one implementation of the seam, on a cluster that it can reach."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing

from messaging.seam import ClientLibrary, DetectorClient, GeneratorClient, Message, Record, Topic
from messaging.settings import KafkaSettings
from runtime.settings import read_settings
from tests.support.topics import Names, unique_names
from tests.support.waiting import wait_until

POLL_SECONDS = 0.2
DEADLINE_SECONDS = 20


class Stage:
    """An implementation with topics of its own, to which it opens clients; it closes them all in the end.

    `expel` removes all members from the consumer group, behind their backs.
    """

    def __init__(self, library: ClientLibrary, servers: str, names: Names, expel: Callable[[], None]) -> None:
        texts = {"KAFKA_BOOTSTRAP_SERVERS": servers, "CONSUMER_GROUP": names.group}
        self.library = library
        self.settings = read_settings(KafkaSettings, texts)
        self.names = names
        self.expel = expel
        self._opened = ExitStack()

    def create_topics(self, partitions: int, names: Sequence[str]) -> Mapping[str, Topic]:
        """Create topics of so many partitions; return them as they are."""
        self.library.create_topics(dataclasses.replace(self.settings, topic_partitions=partitions), names)
        return self.library.describe_topics(self.settings, names)

    def reader(self, topic: str | None = None, group: str | None = None, batch_size: int = 10_000) -> DetectorClient:
        """Return a member of the group that reads the transactions, unless told otherwise."""
        group = group or self.settings.consumer_group
        settings = dataclasses.replace(self.settings, consumer_group=group, batch_size=batch_size)
        client = self.library.open_detector_client(settings, topic or self.names.transactions)
        return self._opened.enter_context(closing(client))

    def writer(self) -> GeneratorClient:
        """Return a client that writes."""
        return self._opened.enter_context(closing(self.library.open_generator_client(self.settings)))

    def write(self, messages: Sequence[Message]) -> None:
        """Write the messages, and wait until they are delivered."""
        deliver(self.writer(), messages)

    def read(self, topic: str, count: int) -> Sequence[Record]:
        """Return the records that a group of its own reads from a topic until it has at least so many."""
        return read_on(self.reader(topic, group=unique_names().group), count)

    def close(self) -> None:
        """Close every client that was opened."""
        self._opened.close()


def deliver(client: GeneratorClient, messages: Sequence[Message]) -> Sequence[Message]:
    """Send the messages; return them as the client says that they are delivered."""
    for message in messages:
        client.send(message)
    delivered: list[Message] = []
    while client.in_flight:
        delivered += wait_until(lambda: client.delivered(POLL_SECONDS), DEADLINE_SECONDS, "a delivery")
    return delivered


def next_batch(client: DetectorClient) -> Sequence[Record]:
    """Return the next batch that is not empty."""
    return wait_until(lambda: client.poll(POLL_SECONDS), DEADLINE_SECONDS, "a batch")


def read_on(client: DetectorClient, count: int) -> Sequence[Record]:
    """Return at least so many records of a client's next batches, each committed without a message."""
    records: list[Record] = []
    while len(records) < count:
        records += next_batch(client)
        client.commit([])
    return records


def values(items: Sequence[Record] | Sequence[Message]) -> Sequence[bytes | None]:
    """Return what the records or messages hold."""
    return [item.value for item in items]
