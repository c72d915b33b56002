"""The seam on kafka-python: the only file that imports it."""

import logging
import math
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.util import decode_varint
from kafka.serializer import Serializer
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata, TopicPartition

from messaging.kafka_python_refusals import Refusals, is_of_a_topic
from messaging.library_log import quieten
from messaging.seam import BatchAborted, ClientFailed, Message, Record, Topic
from messaging.settings import KafkaSettings
from messaging.topics import TOPIC_SETTINGS, describe_all

_MAY_NOT_CREATE = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
_CLOSE_SECONDS = 0.5
_MOST_SECONDS_OUTSIDE_GROUP = 60

logger = logging.getLogger(__name__)


def create_topics(settings: KafkaSettings, names: Sequence[str]) -> None:
    """Create the topics that do not exist. One that is there only has to be visible."""
    refusals = Refusals(settings.security)
    with _or_client_failed("cannot create the topics", refusals), closing(_open_admin(settings, refusals)) as admin:
        missing = _missing(admin, refusals, names)
        if missing:
            _create(admin, settings, refusals, missing)
        admin.wait_for_topics(names)


def describe_topics(settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, Topic]:
    """Return topics that exist as they are."""
    refusals = Refusals(settings.security)
    with _or_client_failed("cannot read the topics", refusals), closing(_open_admin(settings, refusals)) as admin:
        topics = _seen(admin, refusals, names)
        found = {name: _settings_of(topics[name], configs) for name, configs in _configs(admin, names).items()}
        return describe_all(settings.security, {name: len(topics[name]["partitions"]) for name in names}, found)


def open_detector_client(settings: KafkaSettings, topic: str) -> "KafkaPythonDetectorClient":
    """Join the consumer group as a reader of the topic."""
    refusals = Refusals(settings.security)
    refused = partial(refusals.check_right, operation="Read", topics=[topic], group=settings.consumer_group)
    with _or_client_failed("cannot connect", refusals, refused):
        return KafkaPythonDetectorClient(settings, topic, refusals)


def open_generator_client(settings: KafkaSettings) -> "KafkaPythonGeneratorClient":
    """Return a client that is ready to send."""
    refusals = Refusals(settings.security)
    with _or_client_failed("cannot connect", refusals):
        return KafkaPythonGeneratorClient(settings, refusals)


class KafkaPythonDetectorClient:
    """A DetectorClient (see messaging.seam) of one KafkaConsumer and one transactional KafkaProducer."""

    def __init__(self, settings: KafkaSettings, topic: str, refusals: Refusals) -> None:
        self._settings = settings
        self._topic = topic
        self._refusals = refusals
        self._beside = ThreadPoolExecutor(1, "commits")
        self._first_offsets: dict[TopicPartition, int] = {}
        self._next_offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        with ExitStack() as failed:
            self._producer = _open_transactional_producer(settings, refusals)
            failed.callback(_close_producer, self._producer)
            self._consumer = _open_consumer(settings, refusals)
            failed.callback(_close_consumer, self._consumer)
            self._membership = _Membership(self._consumer)
            self._consumer.subscribe([topic], listener=self._membership)
            self._consumer.topics()  # joining before the topic is known would mean joining twice
            failed.pop_all()

    def poll(self, seconds: float) -> Sequence[Record]:
        polled = self._poll(seconds)
        self._membership.check()
        self._first_offsets = {partition: reads[0].offset for partition, reads in polled.items()}
        self._next_offsets = {
            partition: OffsetAndMetadata(reads[-1].offset + 1, "", -1) for partition, reads in polled.items()
        }
        return [record for records in polled.values() for record in records]

    def commit(self, messages: Sequence[Message]) -> None:
        try:
            self._expect(partial(self._commit, messages))
        except (KafkaError, ValueError) as error:
            refused = partial(self._check_batch, messages=messages)
            with _or_client_failed(f"cannot write: {_explanation(error)}; cannot abort", self._refusals, refused):
                self._expect(self._abort)
            self._rewind()
            refused(error)
            raise BatchAborted(_explanation(error)) from error

    def lag(self) -> int | None:
        lags = [self._partition_lag(partition) for partition in self._consumer.assignment()]
        return None if None in lags else sum(lags)

    def close(self) -> None:
        self._beside.shutdown(wait=False)
        _close_consumer(self._consumer)
        _close_producer(self._producer)

    def _poll(self, seconds: float) -> Mapping[TopicPartition, Sequence[Record]]:
        refused = partial(self._check_right, operation="Read", topics=[self._topic])
        self._refusals.check()
        with _or_client_failed("cannot read", self._refusals, refused):
            polled = self._consumer.poll(timeout_ms=math.ceil(seconds * 1000))
        return {partition: [_record(read) for read in reads] for partition, reads in polled.items()}

    def _expect(self, call: Callable[[], None]) -> None:
        """Wait for what ends a batch until the broker has aborted it; kafka-python itself may wait for ever."""
        try:
            self._beside.submit(call).result(self._settings.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed("cannot write: no answer from Kafka") from error

    def _check_batch(self, error: BaseException, messages: Sequence[Message]) -> None:
        """Raise AccessRefused where a right is missing; of several topics the library may name the first."""
        outputs = {message.topic for message in messages}
        if is_of_a_topic(error):
            needed = {self._topic: "Read", **dict.fromkeys(outputs, "Write")}
            refused = _refused_operations(self._settings, self._refusals, needed)
            if refused:
                raise self._refusals.missing(refused) from error
        self._check_right(error, "Write", outputs)

    def _check_right(self, error: BaseException, operation: str, topics: Collection[str]) -> None:
        self._refusals.check_right(error, operation, topics, self._settings.consumer_group)

    def _commit(self, messages: Sequence[Message]) -> None:
        self._producer.begin_transaction()
        futures = [_send(self._producer, message) for message in messages]
        self._producer.send_offsets_to_transaction(self._next_offsets, self._membership.metadata)
        self._producer.flush()
        for future in futures:
            if future.failed():  # does not fail the Kafka transaction by itself
                raise future.exception
        self._producer.commit_transaction()

    def _abort(self) -> None:
        self._producer.abort_transaction()
        # A record that was refused leaves a gap in the producer's sequence, on which its next batch would hang.
        _close_producer(self._producer)
        self._producer = _open_transactional_producer(self._settings, self._refusals)

    def _rewind(self) -> None:
        for partition in self._first_offsets.keys() & self._consumer.assignment():
            self._consumer.seek(partition, self._first_offsets[partition])

    def _partition_lag(self, partition: TopicPartition) -> Any:
        end, position = self._consumer.highwater(partition), self._consumer.position(partition, timeout_ms=0)
        return None if end is None or position is None else max(0, end - position)


class KafkaPythonGeneratorClient:
    """A GeneratorClient (see messaging.seam) of one idempotent KafkaProducer."""

    def __init__(self, settings: KafkaSettings, refusals: Refusals) -> None:
        self._refusals = refusals
        self._producer = _open_producer(settings, refusals)
        self._sent: deque[tuple[Message, Any]] = deque()

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    def send(self, message: Message) -> None:
        refused = partial(self._refusals.check_right, operation="Write", topics=[message.topic], group="")
        with _or_client_failed("cannot write", self._refusals, refused):
            self._sent.append((message, _send(self._producer, message)))

    def delivered(self, seconds: float) -> Sequence[Message]:
        self._refusals.check()
        if self._sent and seconds > 0:
            with suppress(KafkaError):
                self._sent[0][1].get(timeout=seconds)
        delivered = []
        while self._sent and self._sent[0][1].is_done:
            message, future = self._sent[0]
            if future.failed():
                self._refusals.check_right(future.exception, "Write", [message.topic], group="")
                raise ClientFailed(f"cannot deliver to {message.topic}: {_explanation(future.exception)}")
            delivered.append(message)
            self._sent.popleft()
        return delivered

    def close(self) -> None:
        _close_producer(self._producer)


class _MessageSerializer(Serializer):
    """Unpacks a whole message that is passed to `send` as its value.

    A serializer may change the headers, and nobody looks at what it returns: so a message without key and value and
    headers without value, both legal in Kafka, pass where `send` itself would refuse them.
    """

    def serialize(self, _topic: str, headers: list[tuple[str, bytes | None]], data: Message) -> bytes | None:
        headers.extend(data.headers)
        return data.value


class _Headers(list[tuple[str, bytes | None]]):
    """Counts as empty: kafka-python adds up the lengths of headers that do not, and stumbles over one without value."""

    def __bool__(self) -> bool:
        return False


class _Batch(DefaultRecordBatch):
    """A record batch in which a header's name that is not UTF-8 costs a record its headers, not everybody the batch."""

    _buffer: Any
    _pos: int

    def _read_msg(self) -> Any:
        try:
            return super()._read_msg()
        except UnicodeDecodeError:
            return self._read_without_headers()

    def _read_without_headers(self) -> Any:
        whole, begin = self._buffer, self._pos
        length, start = decode_varint(whole, begin)
        end = start + length
        self._buffer, self._pos = _Latin1(whole[begin:end]), 0
        read = super()._read_msg()
        self._buffer, self._pos = whole, end
        # The last of its arguments are the headers.
        return DefaultRecord(
            length, read.offset, read.timestamp, read.timestamp_type, read.key, read.value, _UNREADABLE
        )


class _Latin1(bytes):
    """Bytes whose slices decode without fail, as no UTF-8."""

    __slots__ = ()

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Latin1(found) if isinstance(found, bytes) else found

    def decode(self, *_: str) -> str:
        return super().decode("latin-1")


_UNREADABLE: Sequence[tuple[str, bytes | None]] = []
memory_records.DefaultRecordBatch = _Batch  # the library has no place of its own for it


class _Membership(ConsumerRebalanceListener):
    """Keeps the group metadata of the last assignment, as Java's client does.

    Asked at commit time, a member that the group has left behind gives a generation of -1, which the broker does not
    check: its records would be written twice.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._stable_at = time.monotonic()
        self.metadata: ConsumerGroupMetadata | None = None

    def check(self) -> None:
        """Raise ClientFailed after too long outside the group: kafka-python can forget that it has joined."""
        now = time.monotonic()
        if self._consumer.group_metadata().state == MemberState.STABLE:
            self._stable_at = now
        elif now - self._stable_at > _MOST_SECONDS_OUTSIDE_GROUP:
            raise ClientFailed(f"not in the consumer group for {_MOST_SECONDS_OUTSIDE_GROUP} s")

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.metadata = self._consumer.group_metadata()
        logger.info("assigned: %s", _partitions(assigned))

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        if revoked:
            logger.info("revoked: %s", _partitions(revoked))


def _record(read: Any) -> Record:
    problem = "the name of a header is not UTF-8" if read.headers is _UNREADABLE else None
    return Record(read.topic, read.partition, read.offset, read.timestamp, read.key, read.value, read.headers, problem)


def _connection(settings: KafkaSettings, refusals: Refusals) -> Mapping[str, Any]:
    quieten("kafka", connections="kafka.net.manager")
    security = settings.security
    return {
        "kafka_client": refusals.client,
        "security_protocol": security.protocol,
        "sasl_mechanism": security.mechanism if security.has_login else None,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password,
        "ssl_context": security.tls,
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "bootstrap_timeout_ms": 5_000,
        "reconnect_backoff_max_ms": 1_000,
        # A machine that is gone refuses nothing: what was asked of it is asked of another one after so long.
        "request_timeout_ms": 10_000,
    }


def _open_consumer(settings: KafkaSettings, refusals: Refusals) -> KafkaConsumer:
    return KafkaConsumer(
        **_connection(settings, refusals),
        allow_auto_create_topics=False,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_id=settings.consumer_group,
        heartbeat_interval_ms=settings.session_timeout_ms // 3,
        isolation_level="read_committed",
        max_poll_records=settings.batch_size,
        metadata_max_age_ms=10_000,
        metrics_enabled=False,
        session_timeout_ms=settings.session_timeout_ms,
    )


def _open_producer(settings: KafkaSettings, refusals: Refusals, **transactional: Any) -> KafkaProducer:
    return KafkaProducer(
        **_connection(settings, refusals),
        **transactional,
        acks="all",
        allow_auto_create_topics=False,
        batch_size=256 * 1024,
        delivery_timeout_ms=2**31 - 1,  # what was taken on is tried for as long as it takes
        enable_idempotence=True,
        max_block_ms=10_000,
        max_request_size=100 * 1024 * 1024,  # as large as brokers take; messaging.message_size sees to each record
        metrics_enabled=False,
        value_serializer=_MessageSerializer(),
    )


def _open_transactional_producer(settings: KafkaSettings, refusals: Refusals) -> KafkaProducer:
    producer = _open_producer(
        settings,
        refusals,
        transactional_id=f"{settings.consumer_group}-{uuid.uuid4()}",
        transaction_timeout_ms=settings.transaction_timeout_ms,
        retry_backoff_ms=5,  # the next Kafka transaction begins while the broker completes the one before
    )
    with ExitStack() as failed:
        failed.callback(_close_producer, producer)
        producer.init_transactions()
        failed.pop_all()
    return producer


def _open_admin(settings: KafkaSettings, refusals: Refusals) -> KafkaAdminClient:
    return KafkaAdminClient(**_connection(settings, refusals))


def _seen(admin: KafkaAdminClient, refusals: Refusals, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the cluster's answers by the topics' names. Raises AccessRefused for those that may not be seen."""
    topics = {topic["name"]: topic for topic in admin.describe_topics(list(names))}
    hidden = [name for name, topic in topics.items() if for_code(topic["error_code"]) is TopicAuthorizationFailedError]
    if hidden:
        raise refusals.missing(dict.fromkeys(hidden, "Describe"))
    return topics


def _missing(admin: KafkaAdminClient, refusals: Refusals, names: Sequence[str]) -> Sequence[str]:
    topics = _seen(admin, refusals, names)
    return [name for name in names if for_code(topics[name]["error_code"]) is UnknownTopicOrPartitionError]


def _create(admin: KafkaAdminClient, settings: KafkaSettings, refusals: Refusals, names: Sequence[str]) -> None:
    shape = {"num_partitions": settings.topic_partitions, "replication_factor": settings.topic_replication_factor}
    answer = admin.create_topics(dict.fromkeys(names, shape), raise_errors=False)
    errors = {created["name"]: for_code(created["error_code"]) for created in answer["topics"]}
    refused = [name for name, error in errors.items() if error in _MAY_NOT_CREATE]
    if refused:
        raise refusals.missing(dict.fromkeys(refused, "Create"))
    for created in answer["topics"]:
        error = errors[created["name"]]
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(f"{created['name']}: {created['error_message']}")


def _configs(admin: KafkaAdminClient, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    resources = [ConfigResource("topic", name, list(TOPIC_SETTINGS)) for name in names]
    configs: Mapping[str, Mapping[str, Any]] = admin.describe_configs(resources, config_filter="all")["topic"]
    return configs


def _settings_of(topic: Mapping[str, Any], configs: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Return a topic's settings, None where they may not be seen: the library leaves out what it was not told."""
    if topic["error_code"]:
        raise for_code(topic["error_code"])(topic["name"])
    if not configs and "DESCRIBE_CONFIGS" in topic.get("authorized_operations", ()):
        raise KafkaError(f"no settings of {topic['name']}")
    return {name: found["value"] for name, found in configs.items()} or None


def _refused_operations(settings: KafkaSettings, refusals: Refusals, needed: Mapping[str, str]) -> Mapping[str, str]:
    """Return those of the topics, each with the operation needed, on which Kafka says that it is not allowed."""
    with _or_client_failed("cannot ask for rights", refusals), closing(_open_admin(settings, refusals)) as admin:
        topics = admin.describe_topics(list(needed))
    return {topic["name"]: needed[topic["name"]] for topic in topics if not _is_allowed(needed[topic["name"]], topic)}


def _is_allowed(operation: str, topic: Mapping[str, Any]) -> bool:
    if for_code(topic["error_code"]) is TopicAuthorizationFailedError:
        return False
    allowed = topic.get("authorized_operations")
    return allowed is None or operation.upper() in allowed  # None: the broker does not say


def _send(producer: KafkaProducer, message: Message) -> Any:
    return producer.send(
        message.topic,
        value=message,
        key=message.key,
        headers=_Headers(),
        partition=message.partition,
        timestamp_ms=message.timestamp,
    )


def _close_consumer(consumer: KafkaConsumer) -> None:
    with suppress(KafkaError):
        consumer.close(timeout_ms=_CLOSE_SECONDS * 1000)


def _close_producer(producer: KafkaProducer) -> None:
    """Close it, and give up what it has not delivered, for which `close` alone waits in vain and leaves it at work."""
    producer._sender.force_close()  # noqa: SLF001 - kafka-python 3.0.12 gets there only with nothing left to deliver
    with suppress(KafkaError):
        producer.close(timeout=_CLOSE_SECONDS)


@contextmanager
def _or_client_failed(
    what: str, refusals: Refusals, check_right: Callable[[BaseException], None] | None = None
) -> Iterator[None]:
    try:
        yield
    except (KafkaError, ValueError) as error:
        refusals.check()
        if check_right is not None:
            check_right(error)
        raise ClientFailed(f"{what}: {_explanation(error)}") from error


def _explanation(error: Exception) -> str:
    text, name = str(error), type(error).__name__
    return text if text.startswith(name) else f"{name} {text}".strip()


def _partitions(partitions: Sequence[TopicPartition]) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(partitions)) or "no partitions"
