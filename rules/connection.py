"""What becomes of Kafka's silence and refusals: one line, and soon."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from messaging.batch import Record
from messaging.seam import ClientFailed, Reader
from messaging.settings import ConnectionSettings
from messaging.supervisor import or_refused, problem_connecting
from runtime.service import ServiceFailed
from runtime.stop import Stop

_POLL_SECONDS = 0.2
_MOST_SILENT_SECONDS = 10.0


def expect_kafka(servers: str, stop: Stop) -> None:
    """Connect to one of the servers (host:port, comma-separated), each for 2 s at most. Raises ServiceFailed."""
    problem = problem_connecting(servers, stop)
    if problem is not None:
        raise ServiceFailed(f"no Kafka at {servers} (KAFKA_BOOTSTRAP_SERVERS): {problem}")


@contextmanager
def or_failed(connection: ConnectionSettings) -> Iterator[None]:
    """Make a ServiceRefused of a refusal, and a ServiceFailed of a client that failed."""
    try:
        with or_refused(connection):
            yield
    except ClientFailed as failed:
        raise ServiceFailed(str(failed)) from failed


def records_of(reader: Reader, raise_if_stopped: Callable[[], None]) -> Iterator[Record]:
    """Yield all that a reader is to read. Raises ClientFailed where it does not get on for 10 s."""
    heard, positions = time.monotonic(), dict(reader.positions)
    while reader.left:
        yield from reader.poll(_POLL_SECONDS)
        raise_if_stopped()
        if positions != reader.positions:
            heard, positions = time.monotonic(), dict(reader.positions)
        elif time.monotonic() - heard > _MOST_SILENT_SECONDS:
            unread = ", ".join(f"{topic}[{partition}]" for topic, partition in reader.left)
            silent = f"no records from {unread} for {_MOST_SILENT_SECONDS:.0f} s"
            raise ClientFailed(f"{silent}: a Kafka transaction may be open there, or its leader is gone")
