"""The seam on confluent-kafka (librdkafka): the only file that imports it."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from operator import methodcaller
from typing import Any, TypeVar

import msgspec
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, NewTopic, ResourceType

from messaging.library_log import quieten
from messaging.librdkafka_refusals import Refusals
from messaging.seam import (
    AccessRefused,
    BatchAborted,
    ClientFailed,
    Message,
    Record,
    Topic,
)
from messaging.security.settings import librdkafka_configuration
from messaging.settings import KafkaSettings
from messaging.topics import TOPIC_SETTINGS, describe_all

_ANSWER_SECONDS = 10.0
_PATIENCE_SECONDS = 2.0
_SLICE_SECONDS = 0.5  # a signal is handled between two calls to librdkafka, not during one
_PAUSE_SECONDS = 0.05
_ANY_PARTITION = -1

logger = logging.getLogger(__name__)
library_logger = logging.getLogger("librdkafka")
T = TypeVar("T")


def create_topics(settings: KafkaSettings, names: Sequence[str]) -> None:
    """Create the topics that do not exist. One that is there only has to be visible."""
    refusals = Refusals(settings.security)
    admin = AdminClient(_connection(settings, refusals), **_logger())
    with _or_client_failed("cannot create the topics"):
        listed = _until_done(admin, refusals, partial(_list_topics, admin)).topics
        missing = _missing(admin, refusals, sorted(set(names) - set(listed)))
        if missing:
            _create(admin, settings, refusals, missing)
            _wait_for(admin, missing)


def describe_topics(settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, Topic]:
    """Return topics that exist as they are."""
    refusals = Refusals(settings.security)
    admin = AdminClient(_connection(settings, refusals), **_logger())
    with _or_client_failed("cannot read the topics"):
        listed = _until_done(admin, refusals, partial(_list_topics, admin))
        if not listed.topics.keys() >= set(names):
            raise ClientFailed("cannot read the topics: they have gone")
        found = _settings_of(admin, names, listed.orig_broker_id)
        return describe_all(settings.security, {name: len(listed.topics[name].partitions) for name in names}, found)


def open_detector_client(settings: KafkaSettings, topic: str) -> "ConfluentDetectorClient":
    """Join the consumer group as a reader of the topic."""
    refused = partial(
        Refusals(settings.security).check_right, operation="Read", topics=[topic], group=settings.consumer_group
    )
    with _or_client_failed("cannot connect", refused):
        return ConfluentDetectorClient(settings, topic)


def open_generator_client(settings: KafkaSettings) -> "ConfluentGeneratorClient":
    """Return a client that is ready to send."""
    with _or_client_failed("cannot connect"):
        return ConfluentGeneratorClient(settings)


class ConfluentDetectorClient:
    """A DetectorClient (see messaging.seam) of one Consumer and one transactional Producer."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._refusals = Refusals(settings.security)
        self._producer = _open_transactional_producer(settings, self._refusals)
        self._beside = ThreadPoolExecutor(1, "offsets")
        self._consumer = Consumer(_consumer_configuration(settings, self._refusals), **_logger())
        self._metadata: Any = None
        self._first_offsets: dict[int, int] = {}
        self._next_offsets: dict[int, int] = {}
        self._positions: dict[int, int] = {}
        self._consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=_on_revoke)

    def poll(self, seconds: float) -> Sequence[Record]:
        with _or_client_failed("cannot read"):
            polled = self._consumer.consume(1, seconds)
            if polled:
                polled += self._consumer.consume(self._settings.batch_size - 1, 0)
        self._refusals.check()
        records = [_record(message) for message in polled if message.error() is None or self._is_read(message)]
        self._first_offsets = {record.partition: record.offset for record in reversed(records)}
        self._next_offsets = {record.partition: record.offset + 1 for record in records}
        self._positions |= self._next_offsets
        return records

    def commit(self, messages: Sequence[Message]) -> None:
        try:
            self._commit(messages)
        except KafkaException as error:
            problem = error.args[0]
            refused = partial(self._check_right, operation="Write", topics={message.topic for message in messages})
            if not (problem.txn_requires_abort() or problem.code() in _REFUSED_RECORDS):
                refused(problem)
                raise ClientFailed(f"cannot write: {problem.str()}") from error
            with _or_client_failed(f"cannot write: {problem.str()}; cannot abort", refused):
                self._abort()
                self._check_topics(problem, messages)
            refused(problem)
            raise BatchAborted(problem.str()) from error

    def lag(self) -> int | None:
        lags = [self._partition_lag(assigned) for assigned in self._consumer.assignment()]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if len(known) == len(lags) else None

    def close(self) -> None:
        self._beside.shutdown(wait=False)
        with suppress(KafkaException, RuntimeError, ClientFailed, AccessRefused):  # the last two: a last assignment's
            self._consumer.close()

    def _commit(self, messages: Sequence[Message]) -> None:
        self._producer.begin_transaction()
        # The offsets go ahead: they wait for the Kafka transaction before by the millisecond, messages by 20 ms.
        send_offsets = partial(self._send_offsets, self._producer)
        offsets = self._beside.submit(_until_done, self._producer, self._refusals, send_offsets)
        try:
            for message in messages:
                _send(self._producer, message)
        finally:
            self._expect(offsets)
        _until_done(self._producer, self._refusals, self._producer.commit_transaction)

    def _expect(self, sent: Future[None]) -> None:
        """Wait until the broker has aborted it: librdkafka waits for ever for a coordinator that is gone (5511)."""
        try:
            sent.result(self._settings.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed("cannot write: no answer from the group's coordinator") from error

    def _send_offsets(self, producer: Producer, seconds: float) -> None:
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in self._next_offsets.items()]
        producer.send_offsets_to_transaction(offsets, self._metadata, seconds)

    def _abort(self) -> None:
        _until_done(self._producer, self._refusals, self._producer.abort_transaction)
        # A record that was refused leaves a gap in the producer's sequence, on which its next batch would fail.
        self._producer = _open_transactional_producer(self._settings, self._refusals)
        for assigned in self._consumer.assignment():
            first = self._first_offsets.get(assigned.partition)
            if first is not None:
                self._positions[assigned.partition] = first
                self._consumer.seek(TopicPartition(self._topic, assigned.partition, first))

    def _check_topics(self, problem: KafkaError, messages: Sequence[Message]) -> None:
        """Raise AccessRefused where the problem may be a right on a topic, and Kafka says which ones are missing."""
        if problem.code() in _MAY_LACK_A_RIGHT:
            outputs = dict.fromkeys((message.topic for message in messages), "Write")
            refused = _refused_operations(self._settings, self._refusals, {self._topic: "Read", **outputs})
            if refused:
                raise self._refusals.missing(refused)

    def _is_read(self, message: Any) -> bool:
        """Take note of a partition's end; raise for any other message that stands for an error."""
        if message.error().code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own errors begin so
            self._check_right(message.error(), "Read", [self._topic])
            raise ClientFailed(f"cannot read: {message.error().str()}")
        self._positions[message.partition()] = message.offset()
        return False

    def _check_right(self, error: KafkaError, operation: str, topics: Iterable[str]) -> None:
        self._refusals.check_right(error, operation, topics, self._settings.consumer_group)

    def _partition_lag(self, assigned: TopicPartition) -> int | None:
        _, end = self._consumer.get_watermark_offsets(assigned, cached=True)
        position = self._positions.get(assigned.partition)
        return None if end < 0 or position is None else max(0, end - position)

    def _on_assign(self, consumer: Consumer, assigned: Sequence[TopicPartition]) -> None:
        self._metadata = consumer.consumer_group_metadata()
        self._positions = {}
        consumer.assign(self._committed(assigned))
        logger.info("assigned: %s", _partitions(assigned))

    def _committed(self, assigned: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Return the partitions with where to begin, as soon as no open Kafka transaction may change that any more.

        librdkafka itself, where the assignment changes while it asks, takes "may change" for "from the beginning".
        """
        deadline = time.monotonic() + self._settings.transaction_timeout_ms / 1000
        while True:
            try:
                found = self._consumer.committed(list(assigned), _SLICE_SECONDS)
                problem = next((each.error for each in found if each.error is not None), None)
            except KafkaException as error:
                problem = error.args[0]
            if problem is None:
                begins = [(each.topic, each.partition, max(each.offset, OFFSET_BEGINNING)) for each in found]
                return [TopicPartition(*begin) for begin in begins]
            self._check_right(problem, "Read", [self._topic])
            if problem.code() not in _HELD_BACK or time.monotonic() > deadline:
                raise ClientFailed(f"cannot read the group's offsets: {problem.str()}")
            time.sleep(_PAUSE_SECONDS)


class ConfluentGeneratorClient:
    """A GeneratorClient (see messaging.seam) of one idempotent Producer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._refusals = Refusals(settings.security)
        configuration = {
            "enable.idempotence": True,
            "linger.ms": 1_000,  # what is sent goes whole, when `delivered` flushes: see docs/decisions.md
            "message.timeout.ms": 0,  # what was taken on is tried for as long as it takes
        }
        self._producer = _open_producer(settings, configuration, self._refusals)
        self._sent: deque[_Sent] = deque()

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    def send(self, message: Message) -> None:
        sent = _Sent(message)
        with _or_client_failed("cannot write", partial(self._check_right, topics=[message.topic])):
            _send(self._producer, message, sent.on_delivery)
        self._sent.append(sent)

    def delivered(self, seconds: float) -> Sequence[Message]:
        with _or_client_failed("cannot write", self._check_all_in_flight):
            self._producer.flush(seconds)
        self._refusals.check()
        delivered = []
        while self._sent and self._sent[0].is_done:
            sent = self._sent.popleft()
            if sent.problem is not None:
                self._check_right(sent.problem, [sent.message.topic])
                raise ClientFailed(f"cannot deliver to {sent.message.topic}: {sent.problem.str()}")
            delivered.append(sent.message)
        return delivered

    def close(self) -> None:
        self._producer.purge()

    def _check_all_in_flight(self, problem: KafkaError) -> None:
        self._check_right(problem, {sent.message.topic for sent in self._sent})

    def _check_right(self, problem: KafkaError, topics: Iterable[str]) -> None:
        self._refusals.check_right(problem, "Write", topics, group="")


class _Sent:
    """A message on its way."""

    __slots__ = ("is_done", "message", "problem")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.is_done = False
        self.problem: KafkaError | None = None

    def on_delivery(self, problem: KafkaError | None, _: Any) -> None:
        self.is_done, self.problem = True, problem


# An administrator's call gives up with these, which it does not call retriable.
_UNANSWERED = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT)  # noqa: SLF001 - librdkafka's own errors begin so
# The group's offsets come later: the coordinator is new, or an open Kafka transaction may change them.
_HELD_BACK = (
    *_UNANSWERED,
    KafkaError._WAIT_COORD,  # noqa: SLF001 - librdkafka's own errors begin so
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)
_MAY_NOT_CREATE = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
# A commit may have failed for a right on a topic, and does not say on which: librdkafka only counts the messages, or
# says that the Kafka transaction has failed already.
_MAY_LACK_A_RIGHT = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError._INCONSISTENT,  # noqa: SLF001 - librdkafka's own errors begin so
    KafkaError._STATE,  # noqa: SLF001 - librdkafka's own errors begin so
)
# A producer refuses such a record on the spot; a new attempt of the batch may lead elsewhere.
_REFUSED_RECORDS = (KafkaError._UNKNOWN_PARTITION, KafkaError.MSG_SIZE_TOO_LARGE)  # noqa: SLF001 - librdkafka's own errors


def _connection(settings: KafkaSettings, refusals: Refusals) -> dict[str, Any]:
    return {
        **librdkafka_configuration(settings.security),
        "allow.auto.create.topics": False,  # a producer's question would make one too
        "bootstrap.servers": settings.bootstrap_servers,
        "error_cb": refusals.on_error,
        "reconnect.backoff.max.ms": 1_000,
        # A machine that is gone refuses nothing: what was asked of it is asked of another one after so long.
        "socket.connection.setup.timeout.ms": 2_000,
        "socket.timeout.ms": min(10_000, settings.transaction_timeout_ms),
        "statistics.interval.ms": 5_000,
        "stats_cb": _watch_connections,
    }


def _watch_connections(statistics: str) -> None:
    """Tell of a cluster that stays away, of which librdkafka itself logs once in half a minute at most."""
    brokers = msgspec.json.decode(statistics)["brokers"]
    if not any(broker["state"] == "UP" for broker in brokers.values()):
        library_logger.error("all connections have failed")


def _logger() -> dict[str, Any]:
    quieten("librdkafka", connections="librdkafka")
    return {"logger": library_logger}


def _consumer_configuration(settings: KafkaSettings, refusals: Refusals) -> dict[str, Any]:
    return {
        **_connection(settings, refusals),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # then the end is known behind a Kafka transaction's markers too
        "fetch.queue.backoff.ms": 5,
        "group.id": settings.consumer_group,
        "heartbeat.interval.ms": settings.session_timeout_ms // 3,
        "isolation.level": "read_committed",
        "session.timeout.ms": settings.session_timeout_ms,
        "topic.metadata.refresh.interval.ms": 10_000,
    }


def _open_producer(settings: KafkaSettings, configuration: Mapping[str, Any], refusals: Refusals) -> Producer:
    return Producer(
        {
            **_connection(settings, refusals),
            **configuration,
            "batch.size": 1_000_000,
            "message.max.bytes": 100 * 1024 * 1024,  # as large as brokers take; messaging.message_size sees to each
            "partitioner": "murmur2_random",  # as Java's and kafka-python's
            "queue.buffering.max.messages": 1_000_000,
        },
        **_logger(),
    )


def _open_transactional_producer(settings: KafkaSettings, refusals: Refusals) -> Producer:
    producer = _open_producer(
        settings,
        {
            # Leaves a broker that is away in the cluster: else its return may not be noticed (librdkafka's issue 5511).
            "metadata.recovery.strategy": "none",
            "linger.ms": 1,
            "transactional.id": f"{settings.consumer_group}-{uuid.uuid4()}",
            "transaction.timeout.ms": settings.transaction_timeout_ms,
            "retry.backoff.ms": 1,  # the next Kafka transaction begins while the broker completes the one before
        },
        refusals,
    )
    _until_done(producer, refusals, producer.init_transactions)
    return producer


def _list_topics(admin: AdminClient, seconds: float) -> Any:
    return admin.list_topics(timeout=seconds)


def _missing(admin: AdminClient, refusals: Refusals, unlisted: Sequence[str]) -> Sequence[str]:
    """Return topics that are not there. Raises AccessRefused for those that may not be seen; a list leaves out both."""
    told = {name: admin.list_topics(name, timeout=_ANSWER_SECONDS).topics[name].error for name in unlisted}
    hidden = [name for name, error in told.items() if _is(error, KafkaError.TOPIC_AUTHORIZATION_FAILED)]
    if hidden:
        raise refusals.missing(dict.fromkeys(hidden, "Describe"))
    return [name for name, error in told.items() if _is(error, KafkaError.UNKNOWN_TOPIC_OR_PART)]


def _create(admin: AdminClient, settings: KafkaSettings, refusals: Refusals, names: Sequence[str]) -> None:
    topics = [NewTopic(name, settings.topic_partitions, settings.topic_replication_factor) for name in names]
    errors = {name: _error(created) for name, created in admin.create_topics(topics).items()}
    refused = [name for name, error in errors.items() if _is(error, *_MAY_NOT_CREATE)]
    if refused:
        raise refusals.missing(dict.fromkeys(refused, "Create"))
    for error in errors.values():
        if error is not None and error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise KafkaException(error)


def _wait_for(admin: AdminClient, names: Sequence[str]) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not admin.list_topics(timeout=_ANSWER_SECONDS).topics.keys() >= set(names):
        if time.monotonic() > deadline:
            raise ClientFailed("cannot create the topics: they do not appear")
        time.sleep(_PAUSE_SECONDS)


def _settings_of(admin: AdminClient, names: Sequence[str], answering: int) -> Mapping[str, Mapping[str, str] | None]:
    """Ask a broker that answers; librdkafka would ask the controller, and connect without a pause where it is gone."""
    broker = {"broker": answering} if answering >= 0 else {}  # a bootstrap server may not have a number yet
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    return {topic.name: _visible(described) for topic, described in admin.describe_configs(asked, **broker).items()}


def _visible(described: Future[Any]) -> Mapping[str, str] | None:
    """Return a topic's settings, None where they may not be seen."""
    if _is(_error(described), KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return None
    found = described.result()
    return {name: found[name].value for name in TOPIC_SETTINGS if name in found}


def _refused_operations(settings: KafkaSettings, refusals: Refusals, needed: Mapping[str, str]) -> Mapping[str, str]:
    """Return those of the topics, each with the operation needed, on which Kafka says that it is not allowed."""
    admin = AdminClient(_connection(settings, refusals), **_logger())
    asked = admin.describe_topics(TopicCollection(list(needed)), include_authorized_operations=True)
    return {name: needed[name] for name, answer in asked.items() if not _is_allowed(needed[name], answer)}


def _is_allowed(operation: str, described: Future[Any]) -> bool:
    if _is(_error(described), KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return False
    allowed = described.result().authorized_operations
    return allowed is None or AclOperation[operation.upper()] in allowed  # None: the broker does not say


def _error(answer: Future[Any]) -> KafkaError | None:
    """Return what an answer says has gone wrong, None where nothing has."""
    error = answer.exception()
    return error.args[0] if isinstance(error, KafkaException) else None


def _is(error: KafkaError | None, *codes: int) -> bool:
    return error is not None and error.code() in codes


# Where a name cannot be decoded, the library returns something and sets an error: a plain call, once Python has
# specialised it, no longer looks for one.
_headers = methodcaller("headers")


def _record(message: Any) -> Record:
    try:
        headers, problem = _headers(message) or (), None
    except SystemError:  # it could not decode a name
        headers, problem = (), "the name of a header is not UTF-8"
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        headers,
        problem,
    )


def _send(producer: Producer, message: Message, on_delivery: Any = None) -> None:
    partition = _ANY_PARTITION if message.partition is None else message.partition
    timestamp = message.timestamp or 1  # librdkafka takes 0 for now
    headers: Any = list(message.headers) if message.headers else None
    while True:
        try:  # by position, which is faster
            producer.produce(
                message.topic, message.value, message.key, partition, on_delivery, None, timestamp, headers
            )
        except BufferError:
            producer.poll(_SLICE_SECONDS)
        else:
            return


def _until_done(client: AdminClient | Producer, refusals: Refusals, call: Callable[[float], T]) -> T:
    """Make the client's call, with a time limit as its argument, again for as long as it may be retried."""
    begin = time.monotonic()
    while True:
        try:
            return call(_SLICE_SECONDS)
        except KafkaException as error:
            client.poll(0)  # it says only here what it has been told meanwhile
            refusals.check()
            seconds = time.monotonic() - begin
            if not _may_be_retried(error.args[0]) or seconds > _ANSWER_SECONDS:
                raise
            if seconds > _PATIENCE_SECONDS:
                library_logger.error("a request has failed: %s", error.args[0].str())  # noqa: TRY400 - one line for the user


def _may_be_retried(problem: KafkaError) -> bool:
    return problem.retriable() or (problem.code() in _UNANSWERED and not problem.txn_requires_abort())


def _on_revoke(_: Consumer, revoked: Sequence[TopicPartition]) -> None:
    logger.info("revoked: %s", _partitions(revoked))


@contextmanager
def _or_client_failed(what: str, check_right: Callable[[KafkaError], None] | None = None) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        if check_right is not None:
            check_right(error.args[0])
        raise ClientFailed(f"{what}: {error.args[0].str()}") from error


def _partitions(partitions: Sequence[TopicPartition]) -> str:
    named = sorted((partition.topic, partition.partition) for partition in partitions)
    return ", ".join(f"{topic}[{partition}]" for topic, partition in named) or "no partitions"
