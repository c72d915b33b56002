"""What becomes of Kafka's silence and refusals: one line, and soon."""

from collections.abc import Iterator
from contextlib import contextmanager

from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings
from messaging.supervisor import or_refused, problem_connecting
from runtime.service import ServiceFailed
from runtime.stop import Stop


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
