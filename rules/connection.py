"""What becomes of Kafka's silence and refusals: one line, and soon."""

from collections.abc import Iterator
from contextlib import contextmanager

from messaging.seam import AccessRefused, ClientFailed
from messaging.security.listener import connect, missing_security
from messaging.settings import ConnectionSettings
from runtime.service import ServiceFailed, ServiceRefused


def expect_kafka(servers: str) -> None:
    """Connect to one of the servers (host:port, comma-separated), each for 2 s at most. Raises ServiceFailed."""
    problems = []
    for server in servers.split(","):
        try:
            connect(server).close()
        except OSError as error:
            problems.append(error)
        else:
            return
    raise ServiceFailed(f"no Kafka at {servers} (KAFKA_BOOTSTRAP_SERVERS): {problems[-1]}")


@contextmanager
def or_failed(connection: ConnectionSettings) -> Iterator[None]:
    """Make a ServiceRefused of a refusal, and a ServiceFailed of a client that failed."""
    try:
        yield
    except AccessRefused as refused:
        raise ServiceRefused(str(refused)) from refused
    except ClientFailed as failed:
        missing = missing_security(connection)
        if missing is not None:
            raise ServiceRefused(missing) from failed
        raise ServiceFailed(str(failed)) from failed
