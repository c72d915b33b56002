"""How the audit connects to the cluster, and what becomes of errors.

It uses confluent-kafka whatever KAFKA_CLIENT says: it need not use the detector's library, and this one reads several
times as fast.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from messaging.confluent.connection import security_configuration
from messaging.confluent.refusals import Refusals
from messaging.seam import AccessRefused
from messaging.settings import ConnectionSettings
from runtime.service import ServiceFailed, ServiceRefused

NOT_MADE = "stopped before the end: no result"


def configuration(connection: ConnectionSettings, refusals: Refusals) -> dict[str, Any]:
    """Return the library's configuration for a connection that reports refusals."""
    return {
        **security_configuration(connection.security),
        "allow.auto.create.topics": False,  # else to ask for a topic may make it
        "bootstrap.servers": connection.bootstrap_servers,
        "error_cb": refusals.on_error,
        "log_level": 0,  # what goes wrong is said in one line at the end
    }


@contextmanager
def or_failed(what: str, check: Callable[[KafkaError], None] | None = None) -> Iterator[None]:
    """Make a ServiceFailed of what the library raises, unless the check raises something better."""
    try:
        yield
    except KafkaException as error:
        if check is not None:
            check(error.args[0])
        raise ServiceFailed(f"{what}: {error.args[0].str()}") from error


@contextmanager
def or_refused() -> Iterator[None]:
    """Make a ServiceRefused of a refusal."""
    try:
        yield
    except AccessRefused as refused:
        raise ServiceRefused(str(refused)) from refused


def is_refused(error: KafkaError | None) -> bool:
    """Tell whether it says that a right on a topic is missing."""
    return error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
