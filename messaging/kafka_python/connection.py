"""What all clients of this library share: configuration, how they are closed, and how calls fail."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from messaging.kafka_python.records import MessageSerializer
from messaging.kafka_python.refusals import Refusals
from messaging.library_log import quieten
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings

_CLOSE_SECONDS = 0.5
# Where the library warns of errors that it retries. What it says of the group besides is told by Standstill.
RETRIES = ("kafka.producer.sender",)


def configuration(connection: ConnectionSettings, refusals: Refusals) -> Mapping[str, Any]:
    """Return what every client is configured with."""
    quieten("kafka", "kafka.net.manager", connection.bootstrap_servers, RETRIES)
    security = connection.security
    return {
        "kafka_client": refusals.client,
        "security_protocol": security.protocol,
        "sasl_mechanism": security.mechanism if security.has_login else None,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password,
        "ssl_context": security.tls,
        "bootstrap_servers": connection.bootstrap_servers.split(","),
        "bootstrap_timeout_ms": 5_000,
        "reconnect_backoff_max_ms": 1_000,
        # A machine that is gone refuses nothing: after this long another one is asked instead.
        "request_timeout_ms": 10_000,
    }


def open_admin(connection: ConnectionSettings, refusals: Refusals) -> KafkaAdminClient:
    """Return a client that asks about the cluster."""
    return KafkaAdminClient(**configuration(connection, refusals))


def open_consumer(connection: ConnectionSettings, refusals: Refusals, **own: Any) -> KafkaConsumer:
    """Return a consumer of committed records, with a configuration of its own over that of all."""
    return KafkaConsumer(
        **{"auto_offset_reset": "earliest", **configuration(connection, refusals), **own},
        allow_auto_create_topics=False,
        enable_auto_commit=False,
        isolation_level="read_committed",
        metrics_enabled=False,
    )


def open_producer(connection: ConnectionSettings, refusals: Refusals, **own: Any) -> KafkaProducer:
    """Return an idempotent producer, with a configuration of its own besides that of all."""
    return KafkaProducer(
        **configuration(connection, refusals),
        **own,
        acks="all",
        allow_auto_create_topics=False,
        batch_size=256 * 1024,
        delivery_timeout_ms=2**31 - 1,  # what was queued is tried for as long as it takes
        enable_idempotence=True,
        max_block_ms=10_000,
        max_request_size=100 * 1024 * 1024,  # as large as brokers take; messaging.message_size sees to each record
        metrics_enabled=False,
        value_serializer=MessageSerializer(),
    )


def close_consumer(consumer: KafkaConsumer) -> None:
    """Close it, without waiting for long."""
    with suppress(KafkaError):
        consumer.close(timeout_ms=_CLOSE_SECONDS * 1000)


def close_producer(producer: KafkaProducer) -> None:
    """Close it, and give up what it has not delivered, for which `close` alone waits in vain and leaves it at work."""
    producer._sender.force_close()  # noqa: SLF001 - kafka-python 3.0.12 gets there only with nothing left to deliver
    with suppress(KafkaError):
        producer.close(timeout=_CLOSE_SECONDS)


@contextmanager
def raising_client_failed(
    what: str, refusals: Refusals, raise_if_unauthorized: Callable[[BaseException], None] | None = None
) -> Iterator[None]:
    """Make a ClientFailed of what the library raises, unless it was for a refusal or a missing right."""
    try:
        yield
    except (KafkaError, ValueError) as error:
        refusals.raise_if_refused()
        if raise_if_unauthorized is not None:
            raise_if_unauthorized(error)
        raise ClientFailed(f"{what}: {explanation(error)}") from error


def explanation(error: Exception) -> str:
    """Return what the library says, beginning with the name of the error."""
    text, name = str(error), type(error).__name__
    return text if text.startswith(name) else f"{name} {text}".strip()
