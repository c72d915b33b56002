"""Creates missing topics, describes topics, and tells where they end."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType

from messaging.batch import Offsets
from messaging.confluent.connection import (
    ANSWER_SECONDS,
    is_one_of,
    open_admin,
    raising_client_failed,
    until_done,
    wait_for,
)
from messaging.confluent.refusals import Refusals
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings
from messaging.standstill import does_not_exist
from messaging.topics import TOPIC_CONFIGS, Topic, TopicShape, describe_all, log_created

_PAUSE_SECONDS = 0.05
_MAY_NOT_CREATE = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
_LATEST: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]


def create_topics(connection: ConnectionSettings, topics: Mapping[str, TopicShape]) -> None:
    """Create the topics that do not exist, and tell the log which. One that is there only has to be visible."""
    refusals = Refusals(connection.security)
    admin = open_admin(connection, refusals)
    with raising_client_failed("cannot create the topics"):
        listed = until_done(admin, refusals, partial(_list_topics, admin)).topics
        missing = _missing(admin, refusals, sorted(set(topics) - set(listed)))
        if missing:
            _create(admin, refusals, {name: topics[name] for name in missing})
            _wait_for(admin, missing)


def describe_topics(connection: ConnectionSettings, names: Sequence[str]) -> Mapping[str, Topic]:
    """Return topics that exist as they are."""
    refusals = Refusals(connection.security)
    admin = open_admin(connection, refusals)
    with raising_client_failed("cannot read the topics"):
        listed = _listed(admin, refusals, names)
        found = _topic_configs(admin, names, listed.orig_broker_id)
        partitions = {name: len(listed.topics[name].partitions) for name in names}
        return describe_all(connection.security, partitions, found)


def end_offsets(connection: ConnectionSettings, names: Sequence[str]) -> Offsets:
    """Return where the partitions of topics end now, open Kafka transactions included."""
    return _offsets(connection, names, _LATEST)


def offsets_at(connection: ConnectionSettings, names: Sequence[str], milliseconds: int) -> Offsets:
    """Return each partition's first offset with a timestamp of that time since 1970 or later; where none is, none."""
    wanted = OffsetSpec.for_timestamp(milliseconds)
    return {at: offset for at, offset in _offsets(connection, names, wanted).items() if offset >= 0}


def refused_operations(
    connection: ConnectionSettings, refusals: Refusals, needed: Mapping[str, str]
) -> Mapping[str, str]:
    """Return those of the topics, each with the operation needed, on which Kafka says that it is not allowed."""
    admin = open_admin(connection, refusals)
    asked = admin.describe_topics(TopicCollection(list(needed)), include_authorized_operations=True)
    return {name: needed[name] for name, answer in asked.items() if not _is_allowed(needed[name], answer)}


def _offsets(connection: ConnectionSettings, names: Sequence[str], wanted: OffsetSpec) -> Offsets:
    refusals = Refusals(connection.security)
    admin = open_admin(connection, refusals)
    with raising_client_failed("cannot read the topics"):
        topics = _listed(admin, refusals, names).topics
        asked = {TopicPartition(name, number): wanted for name in names for number in topics[name].partitions}
        answers = admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=ANSWER_SECONDS
        )
        wait_for(admin, answers.values())
        return {(asked.topic, asked.partition): answer.result().offset for asked, answer in answers.items()}


def new_topic(name: str, shape: TopicShape) -> NewTopic:
    """Return what asks for a topic to be created, by the library's own names."""
    return NewTopic(name, shape.partitions, shape.replication_factor, config=dict(shape.configs))


def _list_topics(admin: AdminClient, seconds: float, topic: str | None = None) -> Any:
    return admin.list_topics(topic, timeout=seconds)


def _listed(admin: AdminClient, refusals: Refusals, names: Sequence[str]) -> Any:
    listed = until_done(admin, refusals, partial(_list_topics, admin))
    for name in _missing(admin, refusals, sorted(set(names) - listed.topics.keys())):
        raise ClientFailed(f"cannot read the topics: {does_not_exist(name)}")
    return listed


def _missing(admin: AdminClient, refusals: Refusals, unlisted: Sequence[str]) -> Sequence[str]:
    """Return topics that are not there. Raises AccessRefused for those that may not be seen; a list leaves out both."""
    told = {
        name: until_done(admin, refusals, partial(_list_topics, admin, topic=name)).topics[name].error
        for name in unlisted
    }
    hidden = [name for name, error in told.items() if is_one_of(error, KafkaError.TOPIC_AUTHORIZATION_FAILED)]
    if hidden:
        raise refusals.missing(dict.fromkeys(hidden, "Describe"))
    return [name for name, error in told.items() if is_one_of(error, KafkaError.UNKNOWN_TOPIC_OR_PART)]


def _create(admin: AdminClient, refusals: Refusals, topics: Mapping[str, TopicShape]) -> None:
    answers = admin.create_topics([new_topic(name, shape) for name, shape in topics.items()])
    wait_for(admin, answers.values())
    errors = {name: _error(created) for name, created in answers.items()}
    refused = [name for name, error in errors.items() if is_one_of(error, *_MAY_NOT_CREATE)]
    if refused:
        raise refusals.missing(dict.fromkeys(refused, "Create"))
    for error in errors.values():
        if error is not None and error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise KafkaException(error)
    log_created([name for name, error in errors.items() if error is None])


def _wait_for(admin: AdminClient, names: Sequence[str]) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while not admin.list_topics(timeout=ANSWER_SECONDS).topics.keys() >= set(names):
        if time.monotonic() > deadline:
            raise ClientFailed("cannot create the topics: they do not appear")
        time.sleep(_PAUSE_SECONDS)


def _topic_configs(admin: AdminClient, names: Sequence[str], answering: int) -> Mapping[str, Mapping[str, str] | None]:
    """Ask a broker that answers; librdkafka would ask the controller, and connect without a pause where it is gone."""
    broker = {"broker": answering} if answering >= 0 else {}  # a bootstrap server may not have a number yet
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(asked, **broker)
    wait_for(admin, answers.values())
    return {topic.name: _visible(described) for topic, described in answers.items()}


def _visible(described: Future[Any]) -> Mapping[str, str] | None:
    """Return a topic's settings, None where they may not be seen."""
    if is_one_of(_error(described), KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return None
    found = described.result()
    return {name: found[name].value for name in TOPIC_CONFIGS if name in found}


def _is_allowed(operation: str, described: Future[Any]) -> bool:
    if is_one_of(_error(described), KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return False
    allowed = described.result().authorized_operations
    return allowed is None or AclOperation[operation.upper()] in allowed  # None: the broker does not say


def _error(answer: Future[Any]) -> KafkaError | None:
    """Return what an answer says has gone wrong, None where nothing has."""
    error = answer.exception()
    return error.args[0] if isinstance(error, KafkaException) else None
