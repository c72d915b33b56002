"""A publisher: one idempotent producer."""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError

from messaging.batch import Message
from messaging.confluent.connection import open_producer, raising_client_failed
from messaging.confluent.records import send
from messaging.confluent.refusals import Refusals
from messaging.confluent.replicas import why_not_written
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings
from runtime.timing import Every

_SECONDS_BETWEEN_LINES = 5.0

logger = logging.getLogger(__name__)


def open_publisher(connection: ConnectionSettings) -> "ConfluentPublisher":
    """Return a publisher that is ready to send."""
    with raising_client_failed("cannot connect"):
        return ConfluentPublisher(connection)


class ConfluentPublisher:
    """A Publisher (see messaging.seam)."""

    def __init__(self, connection: ConnectionSettings) -> None:
        self._connection = connection
        self._refusals = Refusals(connection.security)
        own = {
            "enable.idempotence": True,
            "linger.ms": 1_000,  # what is sent goes whole, when `delivered` flushes: see docs/decisions.md
            "message.timeout.ms": 0,  # what was queued is tried for as long as it takes
        }
        self._producer = open_producer(connection, self._refusals, own)
        self._sent: deque[_Sent] = deque()
        self._waits_for_long = _patience()

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    def send(self, message: Message) -> None:
        sent = _Sent(message)
        with raising_client_failed("cannot write", partial(self._raise_if_unauthorized, topics=[message.topic])):
            send(self._producer, message, sent.on_delivery)
        self._sent.append(sent)

    def delivered(self, seconds: float) -> Sequence[Message]:
        with raising_client_failed("cannot write", self._raise_if_any_is_unauthorized):
            self._producer.flush(seconds)
        self._refusals.raise_if_refused()
        delivered = []
        while self._sent and self._sent[0].is_done:
            sent = self._sent.popleft()
            if sent.problem is not None:
                self._raise_if_unauthorized(sent.problem, [sent.message.topic])
                raise ClientFailed(f"cannot deliver to {sent.message.topic}: {sent.problem.str()}")
            delivered.append(sent.message)
        if delivered or not self._sent:
            self._waits_for_long = _patience()
        elif self._waits_for_long.is_due():
            self._tell_why()
        return delivered

    def close(self) -> None:
        self._producer.purge()

    def _tell_why(self) -> None:
        """Tell the log why nothing is delivered, if the cluster answers: the library tells if it does not."""
        why = why_not_written(self._connection, self._refusals, {sent.message.topic for sent in self._sent})
        if why is not None:
            logger.warning("not written yet, trying again: %s", why)

    def _raise_if_any_is_unauthorized(self, problem: KafkaError) -> None:
        self._raise_if_unauthorized(problem, {sent.message.topic for sent in self._sent})

    def _raise_if_unauthorized(self, problem: KafkaError, topics: Iterable[str]) -> None:
        self._refusals.raise_if_unauthorized(problem, "Write", topics, group="")


def _patience() -> Every:
    return Every(_SECONDS_BETWEEN_LINES, starts_due=False)


class _Sent:
    """A message on its way."""

    __slots__ = ("is_done", "message", "problem")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.is_done = False
        self.problem: KafkaError | None = None

    def on_delivery(self, problem: KafkaError | None, _: Any) -> None:
        self.is_done, self.problem = True, problem
