"""What the cluster says: a snapshot of how far everything is, and the records up to there.

**Why a running detector gives no false alarm.** The three looks of a snapshot are taken one after the other:

1. The offsets that the group has committed. What stands before them is judged: its verdicts were acknowledged by the
   brokers before the detector asked for its commit.
2. The ends of the outputs, open Kafka transactions included (the high watermark, not the last stable offset: of one
   Kafka transaction the offsets may be visible a moment before its verdicts are). So all verdicts on what stands
   before the offsets of 1 lie before these ends. The audit reads up to there and waits for the outcome of what is
   open; what is missing then is lost. At the cut, a batch may be in the outputs in part: the rest of it stands at or
   behind the offsets of 1, and counts as in flight.
3. The stable end of the input. What was in the outputs at 2 had been read, committed, before that, so it lies before
   this end. What matches nothing of it is foreign.

It reads with librdkafka, whatever KAFKA_CLIENT says: an auditor need not use the detector's library, and this one
reads several times as fast. It joins no group and commits nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from operator import methodcaller
from typing import Any, NamedTuple

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType

from messaging.client import AccessRefused, Record
from messaging.librdkafka_refusals import Refusals
from messaging.security import librdkafka_configuration
from messaging.settings import KafkaSettings, TopicSettings
from runtime.service import ServiceFailed, ServiceRefused
from runtime.stop import Stop

_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.5  # a signal is handled between two calls to librdkafka, not during one
_POLL_RECORDS = 2_000
_MOST_SILENT_SECONDS = 60.0

_SPECS: Any = OffsetSpec  # its functions come without types
_LATEST, _EARLIEST = _SPECS.latest(), _SPECS.earliest()

_ANY_TIME_MS = 2**63 - 1
Offsets = Mapping[tuple[str, int], int]


class Snapshot(NamedTuple):
    """How far everything is, by topic and partition: the first offset that is there, and the one behind the last.

    `committed` is the group's offset in each partition of the input in which it has one, `largest` the size in bytes
    of the largest record that all outputs take, `refuses_times` whether one may refuse a timestamp of the input.
    """

    begins: Offsets
    committed: Mapping[int, int]
    output_ends: Offsets
    input_ends: Offsets
    largest: int
    refuses_times: bool


def take_snapshot(kafka: KafkaSettings, topics: TopicSettings) -> Snapshot:
    """Look at the cluster, in the order that matters (see above). Raises ServiceFailed where it does not answer."""
    refusals = Refusals(kafka.security)
    admin = AdminClient(_connection(kafka, refusals))
    check = partial(_check, admin, refusals, topics.names(), kafka.consumer_group)
    with _or_failed(f"no answer from Kafka at {kafka.bootstrap_servers}", check):
        partitions = _partitions(admin, topics.names())
        source = [place for place in partitions if place.topic == topics.transactions]
        outputs = [place for place in partitions if place.topic != topics.transactions]
        (_, _, most_after), *takes = (_limits(admin, name) for name in topics.names())
        return Snapshot(
            begins=_offsets(admin, partitions, _EARLIEST, IsolationLevel.READ_UNCOMMITTED),
            committed=_committed(admin, kafka.consumer_group, source),
            output_ends=_offsets(admin, outputs, _LATEST, IsolationLevel.READ_UNCOMMITTED),
            input_ends=_offsets(admin, source, _LATEST, IsolationLevel.READ_COMMITTED),
            largest=min(largest for largest, _, _ in takes),
            refuses_times=any(before < _ANY_TIME_MS or after < most_after for _, before, after in takes),
        )


def read(kafka: KafkaSettings, starts: Offsets, ends: Offsets, stop: Stop) -> Iterator[Record]:
    """Yield the committed records from the starts up to the ends, those of a partition in their order.

    Waits for Kafka transactions that are open before the ends. Ends early when a stop is asked for, and raises
    ServiceFailed when nothing comes for a minute.
    """
    left = {place: end for place, end in ends.items() if starts.get(place, 0) < end}
    refusals = Refusals(kafka.security)
    with closing(Consumer(_configuration(kafka, refusals))) as consumer:
        consumer.assign([Place(topic, number, starts.get((topic, number), 0)) for topic, number in left])
        heard = time.monotonic()
        while left and not stop.requested:
            with _or_failed("cannot read"):
                messages: Sequence[Any] = consumer.consume(_POLL_RECORDS, _POLL_SECONDS)
            with _or_refused():
                refusals.check()
            heard = _expect_news(bool(messages), heard, left)
            for message in messages:
                place = (message.topic(), message.partition())
                if place not in left:
                    continue
                with _or_refused():
                    _check_right(message, refusals, kafka.consumer_group)
                behind = _offset_behind(message)
                if message.error() is None and behind <= left[place]:
                    yield _record(message)
                if behind >= left[place]:
                    del left[place]
                    consumer.pause([Place(*place)])


def _expect_news(is_there: bool, heard: float, left: Offsets) -> float:  # noqa: FBT001 - what was heard just now
    now = time.monotonic()
    if not is_there and now - heard > _MOST_SILENT_SECONDS:
        waiting = ", ".join(f"{topic}[{number}] up to offset {end}" for (topic, number), end in sorted(left.items()))
        raise ServiceFailed(f"nothing to read for a minute, or a Kafka transaction stays open: {waiting}")
    return now if is_there else heard


def _connection(kafka: KafkaSettings, refusals: Refusals) -> dict[str, Any]:
    return {
        **librdkafka_configuration(kafka.security),
        "bootstrap.servers": kafka.bootstrap_servers,
        "error_cb": refusals.on_error,
        "log_level": 0,  # what goes wrong is said in one line at the end
    }


def _configuration(kafka: KafkaSettings, refusals: Refusals) -> dict[str, Any]:
    return {
        **_connection(kafka, refusals),
        "allow.auto.create.topics": False,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # then the end is known behind a Kafka transaction's markers too
        "fetch.queue.backoff.ms": 5,
        "group.id": "audit",  # has to be there, and is not joined
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 32_768,
    }


def _offset_behind(message: Any) -> int:
    """Return the offset up to which its partition has been read; an error that is not a partition's end is raised."""
    error = message.error()
    if error is None:
        return int(message.offset()) + 1
    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own errors begin so
        raise ServiceFailed(f"cannot read: {error.str()}")
    return int(message.offset())


# Where a name cannot be decoded, the library returns something and sets an error: a plain call, once Python has
# specialised it, no longer looks for one.
_headers = methodcaller("headers")


def _check_right(message: Any, refusals: Refusals, group: str) -> None:
    if message.error() is not None:
        refusals.check_right(message.error(), "Read", [message.topic()], group)


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


def _partitions(admin: AdminClient, names: Sequence[str]) -> Sequence[Place]:
    topics = admin.list_topics(timeout=_ANSWER_SECONDS).topics
    missing = [name for name in names if name not in topics]
    for name in missing:  # not there, or not to be seen: only who asks for it by its name is told
        error = admin.list_topics(name, timeout=_ANSWER_SECONDS).topics[name].error
        if error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise KafkaException(error)
    if missing:
        raise ServiceFailed(f"there is no topic {', '.join(missing)}: has the detector been started?")
    return [Place(name, number) for name in names for number in topics[name].partitions]


def _committed(admin: AdminClient, group: str, source: Sequence[Place]) -> Mapping[int, int]:
    asked = [ConsumerGroupTopicPartitions(group, list(source))]
    answer = admin.list_consumer_group_offsets(asked, request_timeout=_ANSWER_SECONDS)[group].result()
    return {place.partition: place.offset for place in answer.topic_partitions if place.offset >= 0}


def _offsets(admin: AdminClient, places: Sequence[Place], which: Any, isolation: IsolationLevel) -> Offsets:
    asked = dict.fromkeys(places, which)
    answers = admin.list_offsets(asked, isolation_level=isolation, request_timeout=_ANSWER_SECONDS)
    return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}


def _limits(admin: AdminClient, name: str) -> tuple[int, int, int]:
    """Return the largest size, in bytes, and how many ms before and after now a timestamp may be, of a topic."""
    (described,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)]).values()
    found = described.result()
    bounds = [found.get(f"message.timestamp.{which}.max.ms") for which in ("before", "after")]
    before, after = (int(bound.value) if bound else _ANY_TIME_MS for bound in bounds)
    return int(found["max.message.bytes"].value), before, after


@contextmanager
def _or_failed(what: str, check: Callable[[KafkaError], None] | None = None) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        if check is not None:
            check(error.args[0])
        raise ServiceFailed(f"{what}: {error.args[0].str()}") from error


@contextmanager
def _or_refused() -> Iterator[None]:
    try:
        yield
    except AccessRefused as refused:
        raise ServiceRefused(str(refused)) from refused


def _check(admin: AdminClient, refusals: Refusals, topics: Sequence[str], group: str, error: KafkaError) -> None:
    """Raise ServiceRefused where that is why there was no answer."""
    admin.poll(0)  # it says only here what it has been told meanwhile
    with _or_refused():
        refusals.check()
        refusals.check_right(error, "Read", topics, group, "Describe")
