"""What all clients of this library share: configuration, log, and how calls are made and fail."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, TypeVar

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from messaging.confluent.refusals import Refusals
from messaging.library_log import quieten
from messaging.seam import ClientFailed
from messaging.security.settings import SecuritySettings
from messaging.settings import ConnectionSettings

ANSWER_SECONDS = 10.0
_LEAVE_SECONDS = 1.0
STATISTICS_SECONDS = 5
SLICE_SECONDS = 0.5  # a signal is handled between two calls to librdkafka, not during one
_PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.02
# An administrator's call gives up with these, which it does not call retriable.
UNANSWERED = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT)  # noqa: SLF001 - librdkafka's own errors begin so

library_logger = logging.getLogger("librdkafka")
T = TypeVar("T")


def configuration(connection: ConnectionSettings, refusals: Refusals) -> dict[str, Any]:
    """Return what every client is configured with."""
    return {
        **security_configuration(connection.security),
        "allow.auto.create.topics": False,  # a producer's question would make one too
        "bootstrap.servers": connection.bootstrap_servers,
        "error_cb": refusals.on_error,
        "reconnect.backoff.max.ms": 1_000,
        # A machine that is gone refuses nothing: after this long another one is asked instead.
        "socket.connection.setup.timeout.ms": 2_000,
        "socket.timeout.ms": 5_000,
        "statistics.interval.ms": STATISTICS_SECONDS * 1000,
        "stats_cb": watch_connections,
    }


def security_configuration(settings: SecuritySettings) -> dict[str, str]:
    """Return how to secure a connection, by the library's own names."""
    login = {
        "sasl.mechanism": settings.mechanism,
        "sasl.username": settings.username,
        "sasl.password": settings.password,
    }
    tls = {
        "ssl.ca.location": settings.ca_file,
        "ssl.certificate.location": settings.certificate_file,
        "ssl.key.location": settings.key_file,
        "ssl.endpoint.identification.algorithm": "https",
    }
    used = {**(login if settings.has_login else {}), **(tls if settings.has_tls else {})}
    return {"security.protocol": settings.protocol, **{name: text for name, text in used.items() if text is not None}}


def open_admin(connection: ConnectionSettings, refusals: Refusals) -> AdminClient:
    """Return a client that asks about the cluster."""
    return AdminClient(configuration(connection, refusals), **_logger(connection.bootstrap_servers))


def open_consumer(configuration: dict[str, Any]) -> Consumer:
    """Return a consumer that logs as the services do."""
    return Consumer(configuration, **_logger(configuration["bootstrap.servers"]))


def close_consumer(consumer: Consumer) -> None:
    """Leave the group; goes on in the background where that takes longer, as it does while the member joins."""

    def leave() -> None:
        with suppress(KafkaException, RuntimeError):
            consumer.close()

    leaving = Thread(target=leave, name="leave", daemon=True)
    leaving.start()
    leaving.join(_LEAVE_SECONDS)


def open_producer(connection: ConnectionSettings, refusals: Refusals, own: dict[str, Any]) -> Producer:
    """Return a producer, with a configuration of its own over that of all."""
    return Producer(
        {
            **configuration(connection, refusals),
            "batch.size": 1_000_000,
            "message.max.bytes": 100 * 1024 * 1024,  # as large as brokers take; messaging.message_size sees to each
            "partitioner": "murmur2_random",  # as Java's and kafka-python's
            "queue.buffering.max.messages": 1_000_000,
            **own,
        },
        **_logger(connection.bootstrap_servers),
    )


def say_failed(problem: KafkaError) -> None:
    """Let the log know that a request is made again, as far as the library's own lines have not."""
    library_logger.error("a request has failed: %s", problem.str())


def until_done(
    client: AdminClient | Producer,
    refusals: Refusals,
    call: Callable[[float], T],
    tell: Callable[[KafkaError], None] = say_failed,
) -> T:
    """Make the client's call, with a time limit as its argument, again for as long as it may be retried.

    Each failure after the first seconds is told of.
    """
    begin = time.monotonic()
    while True:
        try:
            return call(SLICE_SECONDS)
        except KafkaException as error:
            client.poll(0)  # it says only here what it has been told meanwhile
            refusals.raise_if_refused()
            seconds = time.monotonic() - begin
            if not _may_be_retried(error.args[0]) or seconds > ANSWER_SECONDS:
                raise
            if seconds > _PATIENCE_SECONDS:
                tell(error.args[0])


def wait_for(client: AdminClient, answers: Iterable[Future[Any]]) -> None:
    """Wait until all are done; meanwhile the library says what it has to say, as it does only when it is polled."""
    while not all(answer.done() for answer in answers):
        client.poll(_POLL_SECONDS)


@contextmanager
def raising_client_failed(
    what: str, raise_if_unauthorized: Callable[[KafkaError], None] | None = None
) -> Iterator[None]:
    """Make a ClientFailed of what the library raises, unless it was for a missing right."""
    try:
        yield
    except KafkaException as error:
        if raise_if_unauthorized is not None:
            raise_if_unauthorized(error.args[0])
        raise ClientFailed(f"{what}: {error.args[0].str()}") from error


def is_one_of(error: KafkaError | None, *codes: int) -> bool:
    """Tell whether there is an error, and it is one of these."""
    return error is not None and error.code() in codes


def _logger(bootstrap_servers: str) -> dict[str, Any]:
    quieten("librdkafka", "librdkafka", bootstrap_servers)
    return {"logger": library_logger}


def watch_connections(statistics: str) -> None:
    """Report an unreachable cluster, which librdkafka itself logs at most every half minute."""
    brokers = msgspec.json.decode(statistics)["brokers"]
    if not any(broker["state"] == "UP" for broker in brokers.values()):
        library_logger.error("all connections have failed")


def _may_be_retried(problem: KafkaError) -> bool:
    return problem.retriable() or (problem.code() in UNANSWERED and not problem.txn_requires_abort())
