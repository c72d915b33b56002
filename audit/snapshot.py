"""A snapshot: where each topic begins and ends, and which offsets the group has committed.

**Why a running detector causes no false alarm.** A snapshot asks three questions, one after the other:

1. The offsets that the group has committed. All before them is judged: the brokers had acknowledged its verdicts
   before the detector asked for the commit.
2. The ends of the outputs, open Kafka transactions included. This is the high watermark, not the last stable offset:
   the offsets of a Kafka transaction may become visible a moment before its verdicts. So all verdicts on what is
   before the offsets of 1 are before these ends. The audit reads up to there and waits for open Kafka transactions;
   what is missing then is lost. A batch may be in the outputs in part: the rest of it is at or after the offsets of 1,
   and counts as in flight.
3. The stable end of the input. What was in the outputs at 2 had been read, committed, before that, so it comes from
   before this end. An output record that matches nothing there is foreign.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType

from audit.committed import committed_offsets
from audit.connection import NOT_MADE, configuration, is_refused, or_failed, or_refused
from audit.demands import Demands
from audit.settings import AuditSettings
from messaging.batch import Offsets
from messaging.confluent.refusals import Refusals
from messaging.security.listener import missing_security
from runtime.service import ServiceFailed, ServiceRefused
from runtime.stop import Stop

ANSWER_SECONDS = 10.0
_SLICE_SECONDS = 0.5  # a signal is handled between two calls to librdkafka, not during one

_SPECS: Any = OffsetSpec  # its functions come without types
LATEST, EARLIEST = _SPECS.latest(), _SPECS.earliest()

_ANY_TIME_MS = 2**63 - 1


class Snapshot(NamedTuple):
    """How far everything is, by topic and partition: the first offset that is there, and the one behind the last.

    `committed` is the group's offset in each partition of the input in which it has one, `demands` what the outputs
    take. `hidden` are the topics whose settings may not be seen: Kafka's defaults stand in their place.
    """

    begins: Offsets
    committed: Mapping[int, int]
    output_ends: Offsets
    input_ends: Offsets
    demands: Demands
    hidden: Sequence[str]

    @property
    def deleted(self) -> Mapping[int, int]:
        """How many offsets of each partition of the input are gone that the group has not committed yet."""
        begins = {partition: self.begins[topic, partition] for topic, partition in self.input_ends}
        return {at: begins[at] - offset for at, offset in self.committed.items() if offset < begins.get(at, 0)}


class Limits(NamedTuple):
    """What a topic accepts: its largest record in bytes, and timestamps of how many ms before and after the present.

    `sets_time`: it accepts any timestamp, and replaces it by the present (LogAppendTime). `is_compacted`: it accepts no
    record without a key.
    """

    largest: int
    before: int = _ANY_TIME_MS
    after: int = _ANY_TIME_MS
    sets_time: bool = False
    is_compacted: bool = False


KAFKAS_LIMITS = Limits(1_048_588)


def take_snapshot(settings: AuditSettings, stop: Stop) -> Snapshot:
    """Look at the cluster, in the order that matters (see above).

    Raises ServiceFailed where it does not answer, or a stop is asked for before it does.
    """
    connection, topics = settings.connection, settings.topics
    refusals = Refusals(connection.security)
    configured = configuration(connection, refusals)
    admin = AdminClient(configured)
    refused = partial(_raise_if_refused, admin, refusals, settings)
    with or_failed(f"no answer from Kafka at {connection.bootstrap_servers}", refused):
        _wait_for_answer(admin, stop)
        partitions = _partitions(admin, refusals, topics.all)
        source = [place for place in partitions if place.topic == topics.transactions]
        outputs = [place for place in partitions if place.topic != topics.transactions]
        limits = {name: _limits(described) for name, described in _settings(admin, topics.all).items()}
        source_takes, *takes = (limits[name] or KAFKAS_LIMITS for name in topics.all)
        return Snapshot(
            begins=offsets(admin, partitions, EARLIEST, IsolationLevel.READ_UNCOMMITTED),
            committed=committed_offsets(configured, settings.consumer_group, source, stop),
            output_ends=offsets(admin, outputs, LATEST, IsolationLevel.READ_UNCOMMITTED),
            input_ends=offsets(admin, source, LATEST, IsolationLevel.READ_COMMITTED),
            demands=Demands(
                min(output.largest for output in takes),
                any(may_refuse(output, source_takes) for output in takes),
                any(output.is_compacted for output in takes),
            ),
            hidden=sorted(name for name, found in limits.items() if found is None),
        )


def _wait_for_answer(admin: AdminClient, stop: Stop) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            admin.list_topics(timeout=_SLICE_SECONDS)
        except KafkaException:
            if stop.requested:
                raise ServiceFailed(NOT_MADE) from None
            if time.monotonic() > deadline:
                raise
        else:
            return


def _partitions(admin: AdminClient, refusals: Refusals, names: Sequence[str]) -> Sequence[TopicPartition]:
    topics = admin.list_topics(timeout=ANSWER_SECONDS).topics
    missing = [name for name in names if name not in topics]
    # Not there, or not to be seen: only who asks for it by its name is told.
    told = {name: admin.list_topics(name, timeout=ANSWER_SECONDS).topics[name].error for name in missing}
    hidden = [name for name, error in told.items() if is_refused(error)]
    if hidden:
        with or_refused():
            raise refusals.missing(dict.fromkeys(hidden, "Describe"))
    if missing:
        raise ServiceFailed(f"there is no topic {', '.join(missing)}: has the detector been started?")
    return [TopicPartition(name, number) for name in names for number in topics[name].partitions]


def offsets(admin: AdminClient, places: Sequence[TopicPartition], which: Any, isolation: IsolationLevel) -> Offsets:
    """Return the EARLIEST or the LATEST offset of each place. Raises KafkaException."""
    asked = dict.fromkeys(places, which)
    answers = admin.list_offsets(asked, isolation_level=isolation, request_timeout=ANSWER_SECONDS)
    return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}


def _settings(admin: AdminClient, names: Sequence[str]) -> Mapping[str, Mapping[str, str] | None]:
    """Return the settings of topics, None for those of which they may not be seen."""
    answers = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    return {topic.name: _values(answer) for topic, answer in answers.items()}


def _values(answer: Future[Any]) -> Mapping[str, str] | None:
    error = answer.exception()
    if isinstance(error, KafkaException) and is_refused(error.args[0]):
        return None
    return {name: setting.value for name, setting in answer.result().items()}


def _limits(settings: Mapping[str, str] | None) -> Limits | None:
    """Return what a topic takes by its settings, None where they may not be seen."""
    if settings is None:
        return None
    before, after = (settings.get(f"message.timestamp.{bound}.max.ms", _ANY_TIME_MS) for bound in ("before", "after"))
    sets_time = settings["message.timestamp.type"] == "LogAppendTime"
    is_compacted = "compact" in settings["cleanup.policy"]
    return Limits(int(settings["max.message.bytes"]), int(before), int(after), sets_time, is_compacted)


def may_refuse(output: Limits, source: Limits) -> bool:
    """Tell whether an output may refuse a timestamp that the input has."""
    latest = 0 if source.sets_time else source.after
    return not output.sets_time and (output.before < _ANY_TIME_MS or output.after < latest)


def _raise_if_refused(admin: AdminClient, refusals: Refusals, settings: AuditSettings, error: KafkaError) -> None:
    """Raise ServiceRefused where that is why there was no answer."""
    admin.poll(0)  # it says only here what it has been told meanwhile
    with or_refused():
        refusals.raise_if_refused()
        refusals.raise_if_unauthorized(error, "Read", settings.topics.all, settings.consumer_group, "Describe")
    missing = missing_security(settings.connection)
    if missing is not None:
        raise ServiceRefused(missing)
