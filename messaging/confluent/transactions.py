"""Kafka transactions, one after the other, on one producer; an abort replaces the producer."""

import logging
import uuid
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, ThrottleEvent, TopicPartition

from messaging.batch import Message
from messaging.confluent.connection import (
    UNANSWERED,
    is_one_of,
    open_producer,
    raising_client_failed,
    say_failed,
    until_done,
)
from messaging.confluent.records import send
from messaging.confluent.refusals import Refusals
from messaging.confluent.replicas import why_not_written
from messaging.confluent.topics import refused_operations
from messaging.seam import AccessRefused, BatchAborted, ClientFailed, MessageRefused
from messaging.settings import ConnectionSettings, GroupSettings
from messaging.standstill import NO_TRANSACTION_COORDINATOR
from runtime.timing import Every

# librdkafka only counts the messages, or says that the Kafka transaction has failed already; asked again it says why.
_UNEXPLAINED = (KafkaError._INCONSISTENT, KafkaError._STATE)  # noqa: SLF001 - librdkafka's own errors begin so
# A producer refuses such a record on the spot; a new attempt of the batch may lead elsewhere.
_NO_PARTITION = KafkaError._UNKNOWN_PARTITION  # noqa: SLF001 - librdkafka's own errors begin so
# What a broker says of a message that it will never take.
_REFUSED_FOR_GOOD = (
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
)
_SECONDS_BETWEEN_LINES = 5.0

logger = logging.getLogger(__name__)


class Transactions:
    """Commits messages with a group's offsets, as a Processor does.

    `topic` is the one that is read: a right to it may be missing too.
    """

    def __init__(self, connection: ConnectionSettings, group: GroupSettings, topic: str, refusals: Refusals) -> None:
        self._connection = connection
        self._group = group
        self._topic = topic
        self._refusals = refusals
        self._throttled_seconds = 0.0
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
        self._producer = self._open_producer()
        self._beside = ThreadPoolExecutor(1, "offsets")

    def commit(self, messages: Sequence[Message], offsets: list[TopicPartition], member: Any) -> None:
        """Begin, write and commit. Raises BatchAborted, MessageRefused, AccessRefused and ClientFailed."""
        try:
            self._commit(messages, offsets, member)
        except KafkaException as error:
            problem = self._explained(error.args[0])
            said = self._said(problem, messages)
            self._abort(problem, said, messages)
            if problem.code() in _REFUSED_FOR_GOOD:
                raise MessageRefused(said) from error
            raise BatchAborted(said) from error

    def throttled_seconds(self) -> float:
        """Return the longest time for which a broker has held up the producer since the last call."""
        self._producer.poll(0)  # it says only here what it has been told meanwhile
        seconds, self._throttled_seconds = self._throttled_seconds, 0.0
        return seconds

    def close(self) -> None:
        """Wait for nothing any more."""
        self._beside.shutdown(wait=False)

    def _commit(self, messages: Sequence[Message], offsets: list[TopicPartition], member: Any) -> None:
        self._producer.begin_transaction()
        # The offsets go ahead: they wait for the Kafka transaction before by the millisecond, messages by 20 ms.
        send_offsets = partial(self._producer.send_offsets_to_transaction, offsets, member)
        sent = self._beside.submit(until_done, self._producer, self._refusals, send_offsets)
        try:
            for message in messages:
                send(self._producer, message)
        finally:
            self._wait_for(sent)
        tell = partial(self._tell, messages)
        until_done(self._producer, self._refusals, self._producer.commit_transaction, tell)

    def _wait_for(self, sent: Future[None]) -> None:
        """Wait until the broker has aborted it: librdkafka waits for ever for a coordinator that is gone (5511)."""
        try:
            sent.result(self._group.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed("cannot write: no answer from the group's coordinator") from error

    def _explained(self, problem: KafkaError) -> KafkaError:
        """Return why the Kafka transaction has failed, where the problem does not say it."""
        if not is_one_of(problem, *_UNEXPLAINED):
            return problem
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            return problem if is_one_of(error.args[0], *_UNEXPLAINED) else error.args[0]
        return problem

    def _said(self, problem: KafkaError, messages: Sequence[Message]) -> str:
        """Return the problem in words, and where a time limit has passed, why, as far as the cluster says it."""
        words, _, _ = problem.str().partition(" (broker ")  # then: by which producer, and what to do now
        why = self._why_not_written(messages) if is_one_of(problem, *UNANSWERED) else None
        return words if why is None else f"{words}: {why}"

    def _tell(self, messages: Sequence[Message], problem: KafkaError) -> None:
        """Tell the log now and then why the messages are not written yet."""
        if self._every.is_due():
            why = self._why_not_written(messages)
            if why is None:
                say_failed(problem)
            else:
                logger.warning("not written yet, trying again: %s", why)

    def _why_not_written(self, messages: Sequence[Message]) -> str | None:
        return why_not_written(self._connection, self._refusals, {message.topic for message in messages})

    def _abort(self, problem: KafkaError, words: str, messages: Sequence[Message]) -> None:
        """Abort, and go on with a new producer. Raises AccessRefused, and ClientFailed where a new client is needed.

        A record that was refused leaves a gap in a producer's sequence, on which its next batch would fail.
        """
        outputs = {message.topic for message in messages}
        unauthorized = partial(self._raise_if_unauthorized, outputs)
        said = f"cannot write: {words}; cannot abort"
        with raising_client_failed(said, unauthorized):
            refusal = self._refusal_of_a_topic(problem, outputs)
        if not (problem.txn_requires_abort() or is_one_of(problem, _NO_PARTITION, *_REFUSED_FOR_GOOD)):
            self._raise_refusal(refusal, outputs, problem)
            raise ClientFailed(f"cannot write: {words}")
        with raising_client_failed(said, partial(self._raise_refusal, refusal, outputs)):
            until_done(self._producer, self._refusals, self._producer.abort_transaction, partial(self._tell, messages))
            self._producer = self._open_producer()
        self._raise_refusal(refusal, outputs, problem)

    def _refusal_of_a_topic(self, problem: KafkaError, outputs: Collection[str]) -> AccessRefused | None:
        """Return what to raise where the problem may be a right on a topic, and Kafka says which ones are missing."""
        if not is_one_of(problem, KafkaError.TOPIC_AUTHORIZATION_FAILED, *_UNEXPLAINED):
            return None
        needed = {self._topic: "Read", **dict.fromkeys(outputs, "Write")}
        refused = refused_operations(self._connection, self._refusals, needed)
        return self._refusals.missing(refused) if refused else None

    def _raise_refusal(self, refusal: AccessRefused | None, outputs: Iterable[str], error: KafkaError) -> None:
        """Raise the refusal that names the topic, else one of what the error may be about, if it is for a right."""
        if refusal is not None:
            raise refusal
        self._raise_if_unauthorized(outputs, error)

    def _raise_if_unauthorized(self, outputs: Iterable[str], error: KafkaError) -> None:
        self._refusals.raise_if_unauthorized(error, "Write", outputs, self._group.consumer_group)

    def _on_throttle(self, event: ThrottleEvent) -> None:
        self._throttled_seconds = max(self._throttled_seconds, event.throttle_time)

    def _open_producer(self) -> Producer:
        own = {
            # Leaves a broker that is away in the cluster: else its return may not be noticed (librdkafka's issue 5511).
            "metadata.recovery.strategy": "none",
            "linger.ms": 1,
            "socket.timeout.ms": min(10_000, self._group.transaction_timeout_ms),
            "throttle_cb": self._on_throttle,
            "transactional.id": f"{self._group.consumer_group}-{uuid.uuid4()}",
            "transaction.timeout.ms": self._group.transaction_timeout_ms,
            "retry.backoff.ms": 1,  # the next Kafka transaction begins while the broker completes the one before
        }
        producer = open_producer(self._connection, self._refusals, own)
        try:
            until_done(producer, self._refusals, producer.init_transactions, self._tell_of_no_coordinator)
        except KafkaException as error:
            if not is_one_of(error.args[0], *UNANSWERED):
                raise
            raise ClientFailed(f"cannot connect: {NO_TRANSACTION_COORDINATOR}: {error.args[0].str()}") from error
        return producer

    def _tell_of_no_coordinator(self, problem: KafkaError) -> None:
        if self._every.is_due():
            logger.warning("%s, trying again: %s", NO_TRANSACTION_COORDINATOR, problem.str())
