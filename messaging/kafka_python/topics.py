"""Creates missing topics, describes topics, and tells where they end."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, NewTopic, OffsetSpec
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.structs import TopicPartition

from messaging.batch import Offsets
from messaging.kafka_python.connection import open_admin, raising_client_failed
from messaging.kafka_python.refusals import Refusals
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings
from messaging.standstill import does_not_exist
from messaging.topics import TOPIC_CONFIGS, Topic, TopicShape, describe_all, log_created

_MAY_NOT_CREATE = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


def create_topics(connection: ConnectionSettings, topics: Mapping[str, TopicShape]) -> None:
    """Create the topics that do not exist, and tell the log which. One that is there only has to be visible."""
    refusals = Refusals(connection.security)
    with (
        raising_client_failed("cannot create the topics", refusals),
        closing(open_admin(connection, refusals)) as admin,
    ):
        missing = _missing(admin, refusals, list(topics))
        if missing:
            _create(admin, refusals, {name: topics[name] for name in missing})
            admin.wait_for_topics(missing)


def describe_topics(connection: ConnectionSettings, names: Sequence[str]) -> Mapping[str, Topic]:
    """Return topics that exist as they are."""
    refusals = Refusals(connection.security)
    with (
        raising_client_failed("cannot read the topics", refusals),
        closing(open_admin(connection, refusals)) as admin,
    ):
        topics = _seen(admin, refusals, names)
        found = {name: _topic_configs(topics[name], configs) for name, configs in _configs(admin, names).items()}
        return describe_all(connection.security, {name: len(topics[name]["partitions"]) for name in names}, found)


def end_offsets(connection: ConnectionSettings, names: Sequence[str]) -> Offsets:
    """Return where the partitions of topics end now, open Kafka transactions included."""
    return _offsets(connection, names, OffsetSpec.LATEST)


def offsets_at(connection: ConnectionSettings, names: Sequence[str], milliseconds: int) -> Offsets:
    """Return each partition's first offset with a timestamp of that time since 1970 or later; where none is, none."""
    return {at: offset for at, offset in _offsets(connection, names, milliseconds).items() if offset >= 0}


def refused_operations(
    connection: ConnectionSettings, refusals: Refusals, needed: Mapping[str, str]
) -> Mapping[str, str]:
    """Return those of the topics, each with the operation needed, on which Kafka says that it is not allowed."""
    with (
        raising_client_failed("cannot ask for rights", refusals),
        closing(open_admin(connection, refusals)) as admin,
    ):
        topics = admin.describe_topics(list(needed))
    return {topic["name"]: needed[topic["name"]] for topic in topics if not _is_allowed(needed[topic["name"]], topic)}


def _seen(admin: KafkaAdminClient, refusals: Refusals, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the cluster's answers by the topics' names. Raises AccessRefused for those that may not be seen."""
    topics = {topic["name"]: topic for topic in admin.describe_topics(list(names))}
    hidden = [name for name, topic in topics.items() if for_code(topic["error_code"]) is TopicAuthorizationFailedError]
    if hidden:
        raise refusals.missing(dict.fromkeys(hidden, "Describe"))
    return topics


def _offsets(connection: ConnectionSettings, names: Sequence[str], wanted: OffsetSpec | int) -> Offsets:
    refusals = Refusals(connection.security)
    with (
        raising_client_failed("cannot read the topics", refusals),
        closing(open_admin(connection, refusals)) as admin,
    ):
        topics = _seen(admin, refusals, names)
        for name in names:
            if for_code(topics[name]["error_code"]) is UnknownTopicOrPartitionError:
                raise ClientFailed(f"cannot read the topics: {does_not_exist(name)}")
        partitions = [
            TopicPartition(name, partition["partition_index"])
            for name in names
            for partition in topics[name]["partitions"]
        ]
        found = admin.list_partition_offsets(dict.fromkeys(partitions, wanted))
        return {(partition.topic, partition.partition): found[partition].offset for partition in partitions}


def _missing(admin: KafkaAdminClient, refusals: Refusals, names: Sequence[str]) -> Sequence[str]:
    topics = _seen(admin, refusals, names)
    return [name for name in names if for_code(topics[name]["error_code"]) is UnknownTopicOrPartitionError]


def _create(admin: KafkaAdminClient, refusals: Refusals, topics: Mapping[str, TopicShape]) -> None:
    new = [NewTopic(name, partitions, factor, None, configs) for name, (partitions, factor, configs) in topics.items()]
    answer = admin.create_topics(new, raise_errors=False)
    errors = {created["name"]: for_code(created["error_code"]) for created in answer["topics"]}
    refused = [name for name, error in errors.items() if error in _MAY_NOT_CREATE]
    if refused:
        raise refusals.missing(dict.fromkeys(refused, "Create"))
    for created in answer["topics"]:
        error = errors[created["name"]]
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(f"{created['name']}: {created['error_message']}")
    log_created([name for name, error in errors.items() if error is NoError])


def _configs(admin: KafkaAdminClient, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    resources = [ConfigResource("topic", name, list(TOPIC_CONFIGS)) for name in names]
    configs: Mapping[str, Mapping[str, Any]] = admin.describe_configs(resources, config_filter="all")["topic"]
    return configs


def _topic_configs(topic: Mapping[str, Any], configs: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Return a topic's settings, None where they may not be seen: the library leaves out what it was not told."""
    if topic["error_code"]:
        raise for_code(topic["error_code"])(topic["name"])
    if not configs and "DESCRIBE_CONFIGS" in topic.get("authorized_operations", ()):
        raise KafkaError(f"no settings of {topic['name']}")
    return {name: found["value"] for name, found in configs.items()} or None


def _is_allowed(operation: str, topic: Mapping[str, Any]) -> bool:
    if for_code(topic["error_code"]) is TopicAuthorizationFailedError:
        return False
    allowed = topic.get("authorized_operations")
    return allowed is None or operation.upper() in allowed  # None: the broker does not say
