"""A missing right is found in whatever form kafka-python tells of it."""

import pytest
from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from messaging.kafka_python.refusals import Refusals
from messaging.seam import AccessRefused
from messaging.security.settings import SecuritySettings
from runtime.settings import read_settings

EARLIER = "Cannot perform send because at least one previous request has failed with errors."
UNEXPECTED = "Unexpected error in InitProducerIdResponse: [Error 31] ClusterAuthorizationFailedError"


def caused_by(cause: Exception) -> Exception:
    error: Exception = KafkaError("any")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (TopicAuthorizationFailedError({"b"}), "Write on topic b"),
        (TopicAuthorizationFailedError("b"), "Write on topic b"),
        (TopicAuthorizationFailedError("in words"), "Write on topic a, b"),
        (KafkaError(EARLIER, TopicAuthorizationFailedError({"b"})), "Write on topic b"),
        (caused_by(TopicAuthorizationFailedError({"b"})), "Write on topic b"),
        (KafkaError(UNEXPECTED), "Write on topic a, b"),
        (ClusterAuthorizationFailedError(), "Write on topic a, b"),
        (GroupAuthorizationFailedError("any"), "Read on group detector"),
        (KafkaError(EARLIER, TransactionalIdAuthorizationFailedError()), "Write on transactional id detector-*"),
    ],
)
def test_a_missing_right_is_named(error: Exception, missing: str) -> None:
    refusals = Refusals(read_settings(SecuritySettings, {}))
    with pytest.raises(AccessRefused, match=rf" lacks the right {missing.replace('*', '[*]')}$"):
        refusals.raise_if_unauthorized(error, "Write", {"a", "b"}, "detector")


def test_other_errors_are_none() -> None:
    Refusals(read_settings(SecuritySettings, {})).raise_if_unauthorized(
        caused_by(KafkaError("any")), "Write", {"a"}, "detector"
    )
