"""A publisher: one idempotent producer."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from kafka.errors import KafkaError

from messaging.batch import Message
from messaging.kafka_python.connection import close_producer, explanation, open_producer, raising_client_failed
from messaging.kafka_python.records import send
from messaging.kafka_python.refusals import Refusals
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings


def open_publisher(connection: ConnectionSettings) -> "KafkaPythonPublisher":
    """Return a publisher that is ready to send."""
    refusals = Refusals(connection.security)
    with raising_client_failed("cannot connect", refusals):
        return KafkaPythonPublisher(connection, refusals)


class KafkaPythonPublisher:
    """A Publisher (see messaging.seam)."""

    def __init__(self, connection: ConnectionSettings, refusals: Refusals) -> None:
        self._refusals = refusals
        self._producer = open_producer(connection, refusals)
        self._sent: deque[tuple[Message, Any]] = deque()

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    def send(self, message: Message) -> None:
        unauthorized = partial(self._raise_if_unauthorized, topic=message.topic)
        with raising_client_failed("cannot write", self._refusals, unauthorized):
            self._sent.append((message, send(self._producer, message)))

    def delivered(self, seconds: float) -> Sequence[Message]:
        self._refusals.raise_if_refused()
        if self._sent and seconds > 0:
            with suppress(KafkaError):
                self._sent[0][1].get(timeout=seconds)
        delivered = []
        while self._sent and self._sent[0][1].is_done:
            message, future = self._sent[0]
            if future.failed():
                self._raise_if_unauthorized(future.exception, message.topic)
                raise ClientFailed(f"cannot deliver to {message.topic}: {explanation(future.exception)}")
            delivered.append(message)
            self._sent.popleft()
        return delivered

    def close(self) -> None:
        close_producer(self._producer)

    def _raise_if_unauthorized(self, error: object, topic: str) -> None:
        self._refusals.raise_if_unauthorized(error, "Write", [topic], group="")
