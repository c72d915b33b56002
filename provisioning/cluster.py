"""Makes users, topics and ACLs in a running cluster. Repeating it is safe: afterwards all is as the table says."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from messaging.confluent.connection import security_configuration
from messaging.confluent.topics import new_topic
from messaging.settings import ConnectionSettings, TopicCreationSettings, TopicSettings, consumer_group
from messaging.topics import TopicShape, history_topics, payments_topics
from provisioning.principals import USERS, Right, rights

ITERATIONS = 8192
_ANSWER_SECONDS = 30.0
_ANY_HOST = "*"


@dataclass(frozen=True)
class SetupSettings:
    """Where the cluster is, and what is made there."""

    connection: ConnectionSettings
    topic_creation: TopicCreationSettings
    topics: TopicSettings
    consumer_group: str = consumer_group()


def apply(settings: SetupSettings, secrets: Path) -> None:
    """Make the users, with the passwords that are in `secrets`, the topics and the ACLs. Raises KafkaException."""
    admin = open_admin(settings.connection)
    _make_users(admin, {user: (secrets / user / "password").read_bytes() for user in USERS})
    names, creation = settings.topics, settings.topic_creation
    _make_topics(admin, {**payments_topics(creation, names.all), **history_topics(creation, names.histories)})
    allow_only(admin, rights(settings.consumer_group, settings.topics))


def open_admin(connection: ConnectionSettings) -> AdminClient:
    """Return a client with the rights of whoever the settings name."""
    servers = {"bootstrap.servers": connection.bootstrap_servers}
    return AdminClient({**servers, **security_configuration(connection.security)})


def allow_only(admin: AdminClient, wanted: Sequence[Right]) -> None:
    """Give the users these rights, take all others from them, and return when the broker that answers knows it."""
    bindings = set(map(_binding, wanted))
    present = _present(admin)
    if bindings - present:
        _expect(admin.create_acls(list(bindings - present), **_PATIENT).values())
    if present - bindings:
        _expect(admin.delete_acls(list(map(_filter, present - bindings)), **_PATIENT).values())
    deadline = time.monotonic() + _ANSWER_SECONDS
    while _present(admin) != bindings:
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the ACLs do not appear"))  # noqa: SLF001 - so named
        time.sleep(0.05)


def _present(admin: AdminClient) -> set[AclBinding]:
    return {acl for user in USERS for acl in _result(admin.describe_acls(_all_of(user), **_PATIENT))}


def _make_users(admin: AdminClient, passwords: Mapping[str, bytes]) -> None:
    form = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    users: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, form, password) for user, password in passwords.items()
    ]
    _expect(admin.alter_user_scram_credentials(users, **_PATIENT).values())


def _make_topics(admin: AdminClient, topics: Mapping[str, TopicShape]) -> None:
    new = [new_topic(name, shape) for name, shape in topics.items()]
    for made in admin.create_topics(new, **_PATIENT).values():
        error = made.exception()
        if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            continue
        made.result()


def _binding(right: Right) -> AclBinding:
    return AclBinding(
        ResourceType[right.resource],
        right.name,
        ResourcePatternType.PREFIXED if right.is_prefix else ResourcePatternType.LITERAL,
        f"User:{right.principal}",
        _ANY_HOST,
        AclOperation[right.operation],
        AclPermissionType.ALLOW,
    )


def _all_of(user: str) -> AclBindingFilter:
    anything: Any = None  # which the types of the library do not know
    return AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        f"User:{user}",
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


def _filter(acl: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        acl.restype,
        acl.name,
        acl.resource_pattern_type,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission_type,
    )


def _result(asked: Any) -> Iterable[AclBinding]:
    answer: Iterable[AclBinding] = asked.result()
    return answer


def _expect(asked: Iterable[Future[Any]]) -> None:
    for each in asked:
        each.result()


_PATIENT: Mapping[str, Any] = {"request_timeout": _ANSWER_SECONDS}
