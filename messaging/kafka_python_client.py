"""The seam on kafka-python: the only file that imports it."""

import logging
import math
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, NoReturn

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from kafka.serializer import Serializer
from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata, TopicPartition

from messaging.client import BatchAborted, ClientFailed, DetectorClient, GeneratorClient, Message, Record, Topic
from messaging.settings import KafkaSettings
from runtime.logs import Every

_NEVER_MS = 2**31 - 1
_CLOSE_SECONDS = 1.0
_SECONDS_BETWEEN_LINES = 5.0
_PRODUCER_BATCH_BYTES = 256 * 1024
_BROKER_REQUEST_BYTES = 100 * 1024 * 1024

logger = logging.getLogger(__name__)


def create_topics(settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, Topic]:
    """Create the topics that do not exist, and return all of them as they are."""
    try:
        return _create_topics(settings, names)
    except KafkaError as error:
        raise _failed("cannot create or read the topics", error) from error


def open_detector_client(settings: KafkaSettings, topic: str) -> DetectorClient:
    """Join the consumer group as a reader of the topic."""
    try:
        return KafkaPythonDetectorClient(settings, topic)
    except KafkaError as error:
        raise _failed("cannot connect", error) from error


def open_generator_client(settings: KafkaSettings) -> GeneratorClient:
    """Return a client that is ready to send."""
    try:
        return KafkaPythonGeneratorClient(settings)
    except KafkaError as error:
        raise _failed("cannot connect", error) from error


class _MessageSerializer(Serializer):
    """Unpacks a whole message that is passed to `send` as its value.

    A serializer may change the headers, and nobody looks at what it returns: so a message without key and value and
    headers without value, both legal in Kafka, pass where `send` itself would refuse them.
    """

    def serialize(self, _topic: str, headers: list[tuple[str, bytes | None]], data: Message) -> bytes | None:
        headers.extend(data.headers)
        return data.value


class _Membership(ConsumerRebalanceListener):
    """Keeps the group metadata of the last assignment, as Java's client does.

    Asked at commit time, a member that the group has left behind gives a generation of -1, which the broker does not
    check: its records would be written twice.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.metadata: ConsumerGroupMetadata | None = None

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.metadata = self._consumer.group_metadata()
        logger.info("assigned: %s", _partitions(assigned))

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        if revoked:
            logger.info("revoked: %s", _partitions(revoked))


class KafkaPythonDetectorClient:
    """A DetectorClient (see messaging.client) of one KafkaConsumer and one transactional KafkaProducer."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._producer = KafkaProducer(
            **_connection(settings),
            **_PRODUCER,
            transactional_id=f"{settings.consumer_group}-{uuid.uuid4()}",
            transaction_timeout_ms=settings.transaction_timeout_ms,
        )
        self._consumer = KafkaConsumer(
            **_connection(settings),
            group_id=settings.consumer_group,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_poll_records=settings.batch_size,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 3,
        )
        self._producer.init_transactions()
        self._membership = _Membership(self._consumer)
        self._consumer.subscribe([topic], listener=self._membership)
        self._first_offsets: dict[TopicPartition, int] = {}
        self._next_offsets: dict[TopicPartition, OffsetAndMetadata] = {}

    def poll(self, seconds: float) -> Sequence[Record]:
        try:
            polled = self._consumer.poll(timeout_ms=math.ceil(seconds * 1000))
        except KafkaError as error:
            raise _failed("cannot read", error) from error
        self._first_offsets = {partition: records[0].offset for partition, records in polled.items()}
        self._next_offsets = {
            partition: OffsetAndMetadata(records[-1].offset + 1, "", -1) for partition, records in polled.items()
        }
        return [
            Record(read.topic, read.partition, read.offset, read.timestamp, read.key, read.value, read.headers)
            for records in polled.values()
            for read in records
        ]

    def commit(self, messages: Sequence[Message]) -> None:
        try:
            self._commit(messages)
        except (KafkaError, ValueError) as error:
            self._abort(error)

    def lag(self) -> int:
        return sum(map(self._partition_lag, self._consumer.assignment()))

    def close(self) -> None:
        with suppress(KafkaError):
            self._consumer.close(timeout_ms=_CLOSE_SECONDS * 1000)
        _close_producer(self._producer)

    def _commit(self, messages: Sequence[Message]) -> None:
        self._producer.begin_transaction()
        futures = [_send(self._producer, message) for message in messages]
        self._producer.send_offsets_to_transaction(self._next_offsets, self._membership.metadata)
        self._producer.flush()
        for future in futures:
            if future.failed():  # does not fail the Kafka transaction by itself
                raise future.exception
        self._producer.commit_transaction()

    def _abort(self, error: Exception) -> NoReturn:
        try:
            self._producer.abort_transaction()
        except KafkaError as fatal:
            raise _failed("cannot write", error) from fatal
        self._rewind()
        raise BatchAborted(_explanation(error)) from error

    def _rewind(self) -> None:
        for partition in self._first_offsets.keys() & self._consumer.assignment():
            self._consumer.seek(partition, self._first_offsets[partition])

    def _partition_lag(self, partition: TopicPartition) -> int:
        end = self._consumer.highwater(partition)
        if end is None:
            return 0
        position: int = self._consumer.position(partition, timeout_ms=0) or 0
        return max(0, int(end) - position)


class KafkaPythonGeneratorClient:
    """A GeneratorClient (see messaging.client) of one idempotent KafkaProducer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._producer = KafkaProducer(**_connection(settings), **_PRODUCER)
        self._sent: deque[tuple[Message, Any]] = deque()

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    def send(self, message: Message) -> None:
        try:
            future = _send(self._producer, message)
        except (KafkaError, ValueError) as error:
            raise _failed("cannot write", error) from error
        self._sent.append((message, future))

    def delivered(self, seconds: float) -> Sequence[Message]:
        self._await_first(seconds)
        delivered = []
        while self._sent and self._sent[0][1].is_done:
            message, future = self._sent[0]
            if future.failed():
                raise _failed(f"cannot deliver to {message.topic}", future.exception)
            delivered.append(message)
            self._sent.popleft()
        return delivered

    def close(self) -> None:
        _close_producer(self._producer)

    def _await_first(self, seconds: float) -> None:
        if self._sent and seconds > 0:
            with suppress(KafkaError):
                self._sent[0][1].get(timeout=seconds)


_PRODUCER: Mapping[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "delivery_timeout_ms": _NEVER_MS,
    "batch_size": _PRODUCER_BATCH_BYTES,
    "max_request_size": _BROKER_REQUEST_BYTES,
    "max_block_ms": 10_000,
    "value_serializer": _MessageSerializer(),
}


def _connection(settings: KafkaSettings) -> dict[str, Any]:
    _quieten_library()
    return {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "bootstrap_timeout_ms": 5_000,
        "reconnect_backoff_max_ms": 1_000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def _quieten_library() -> None:
    """Keep the library's chatter out of the log, unless LOG_LEVEL is debug."""
    if logger.isEnabledFor(logging.DEBUG):
        return
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    connections = logging.getLogger("kafka.net.manager")
    connections.setLevel(logging.WARNING)
    if not connections.filters:
        connections.addFilter(_ConnectionTrouble())


class _ConnectionTrouble:
    """A filter for the library's log that makes one line of ours every few seconds out of its failed connections."""

    def __init__(self) -> None:
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)

    def __call__(self, record: logging.LogRecord) -> bool:
        if "failed" in record.msg and self._every.is_due():
            logger.warning("Kafka does not answer, trying again: %s", record.getMessage())
        return False


def _create_topics(settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, Topic]:
    connection = _connection(settings)
    for not_admin in ("allow_auto_create_topics", "metrics_enabled"):
        del connection[not_admin]
    with closing(KafkaAdminClient(**connection)) as admin:
        missing = sorted(set(names) - set(admin.list_topics()))
        if missing:
            _create_missing(admin, settings, missing)
        admin.wait_for_topics(names)
        limits = admin.describe_configs(
            [ConfigResource("topic", name, ["max.message.bytes"]) for name in names], config_filter="all"
        )["topic"]
        return {
            described["name"]: Topic(
                len(described["partitions"]), int(limits[described["name"]]["max.message.bytes"]["value"])
            )
            for described in admin.describe_topics(list(names))
        }


def _create_missing(admin: KafkaAdminClient, settings: KafkaSettings, names: Sequence[str]) -> None:
    shape = {"num_partitions": settings.topic_partitions, "replication_factor": settings.topic_replication_factor}
    answer = admin.create_topics(dict.fromkeys(names, shape), raise_errors=False)
    for created in answer["topics"]:
        error = for_code(created["error_code"])
        if created["error_code"] and error is not TopicAlreadyExistsError:
            raise error(f"{created['name']}: {created['error_message']}")


def _send(producer: KafkaProducer, message: Message) -> Any:
    return producer.send(
        message.topic, value=message, key=message.key, partition=message.partition, timestamp_ms=message.timestamp
    )


def _close_producer(producer: KafkaProducer) -> None:
    with suppress(KafkaError):
        producer.close(timeout=_CLOSE_SECONDS)


def _failed(what: str, error: Exception) -> ClientFailed:
    return ClientFailed(f"{what}: {_explanation(error)}")


def _explanation(error: Exception) -> str:
    text, name = str(error), type(error).__name__
    return text if text.startswith(name) else f"{name} {text}".strip()


def _partitions(partitions: Sequence[TopicPartition]) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(partitions)) or "no partitions"
