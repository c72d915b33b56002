"""Asks the cluster why it does not take what is written: librdkafka says it only where it logs each produce request."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from messaging import replicas
from messaging.confluent.connection import open_admin
from messaging.confluent.refusals import Refusals
from messaging.replicas import Replicas
from messaging.settings import ConnectionSettings

_ANSWER_SECONDS = 1.0
_LEAST = "min.insync.replicas"
_NOT_ENOUGH = KafkaError(KafkaError.NOT_ENOUGH_REPLICAS).str()
_NO_LEADER = KafkaError(KafkaError.LEADER_NOT_AVAILABLE).str()


def why_not_written(connection: ConnectionSettings, refusals: Refusals, names: Collection[str]) -> str | None:
    """Return why topics take nothing, None where the cluster does not say so. Answers within two seconds."""
    if not names:  # of which librdkafka would make an error
        return None
    admin = open_admin(connection, refusals)
    try:
        return replicas.why_not_written(_partitions(admin, sorted(names)), _NOT_ENOUGH, _NO_LEADER)
    except KafkaException:
        return None


def _partitions(admin: AdminClient, names: Collection[str]) -> Mapping[str, Replicas]:
    listed = admin.list_topics(timeout=_ANSWER_SECONDS)
    broker = {"broker": listed.orig_broker_id} if listed.orig_broker_id >= 0 else {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    configs = admin.describe_configs(resources, request_timeout=_ANSWER_SECONDS, **broker)
    least = {resource.name: _least(described) for resource, described in configs.items()}
    return {
        f"{name}[{number}]": Replicas(found.leader >= 0, len(found.isrs), len(found.replicas), least[name])
        for name in names
        if name in listed.topics
        for number, found in listed.topics[name].partitions.items()
    }


def _least(described: Future[Any]) -> int | None:
    """Return a topic's min.insync.replicas, None where it may not be read."""
    return None if described.exception() else int(described.result()[_LEAST].value)
