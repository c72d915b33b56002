"""Connects to Kafka and stays connected: loads the library, waits for the cluster, replaces a client that failed."""

import importlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from messaging.seam import AccessRefused, ClientFailed, ClientLibrary
from messaging.security.listener import connect, missing_security
from messaging.settings import ConnectionSettings
from runtime.service import ServiceFailed, ServiceRefused
from runtime.stop import Stop
from runtime.timing import Every

_MODULES = {"kafka-python": "messaging.kafka_python", "confluent": "messaging.confluent"}
_SECONDS_BETWEEN_LINES = 5.0
_PAUSE_SECONDS = 0.5
_PAUSE_AFTER_FAILURE_SECONDS = 3.0
_MOST_FAILURES = 10
_UNDISTURBED_SECONDS = 60.0

logger = logging.getLogger(__name__)


def load_library(name: str) -> ClientLibrary:
    """Import the client library of that name. Raises ServiceFailed where it is not installed."""
    try:
        return cast("ClientLibrary", importlib.import_module(_MODULES[name]))
    except ModuleNotFoundError as error:
        message = f"KAFKA_CLIENT={name}: the package {error.name} is not installed"
        raise ServiceFailed(message) from error


class Failures:
    """Counts clients that have failed in a row: with nothing `done` between them, and no minute of undisturbed polling.

    Only polls count for that minute. How long a session has lasted says nothing: some need longer to fail.
    """

    def __init__(self, done: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._done = done
        self._clock = clock
        self._in_a_row = 0
        self._done_before = 0
        self._undisturbed_since: float | None = None

    def session_begins(self) -> None:
        """Take note that nothing has been polled yet."""
        self._undisturbed_since = None

    def polled(self, *, is_undisturbed: bool) -> None:
        """Take note of a poll; it is undisturbed if it was by a member of the group and its batch was not aborted."""
        now = self._clock()
        if not is_undisturbed:
            self._undisturbed_since = None
        elif self._undisturbed_since is None:
            self._undisturbed_since = now
        elif now - self._undisturbed_since >= _UNDISTURBED_SECONDS:
            self._in_a_row = 0

    def add(self, last: ClientFailed) -> None:
        """Count the end of the session. Raises ServiceFailed after too many."""
        done, before = self._done(), self._done_before
        self._done_before = done
        self._in_a_row = 1 if done > before else self._in_a_row + 1
        if self._in_a_row >= _MOST_FAILURES:
            raise ServiceFailed(f"gave up after {self._in_a_row} consecutive failures, the last: {last}") from last


def keep_running(session: Callable[[], None], connection: ConnectionSettings, failures: Failures, stop: Stop) -> None:
    """Run a session with Kafka until it ends; after a ClientFailed, a new one.

    Waits for as long as no server answers; that is no failure. Raises ServiceFailed after many failures in a row, and
    ServiceRefused at once where Kafka refuses access.
    """
    stop.work_begins("Kafka to answer")
    while wait_for_cluster(connection.bootstrap_servers, stop) and not _session_ended(
        session, connection, failures, stop
    ):
        stop.wait(_PAUSE_AFTER_FAILURE_SECONDS)


def wait_for_cluster(servers: str, stop: Stop) -> bool:
    """Return True when one of the servers (host:port, comma-separated) accepts a connection, False on a stop."""
    every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
    while not stop.requested:
        problem = problem_connecting(servers, stop)
        if problem is None:
            return not stop.requested
        if every.is_due():
            logger.warning("waiting for Kafka at %s: %s", servers, problem)
        stop.wait(_PAUSE_SECONDS)
    return False


def _session_ended(session: Callable[[], None], connection: ConnectionSettings, failures: Failures, stop: Stop) -> bool:
    failures.session_begins()
    try:
        with or_refused(connection):
            session()
    except ClientFailed as failed:
        if not stop.requested and problem_connecting(connection.bootstrap_servers, stop) is None:
            failures.add(failed)
        logger.warning("%s%s", failed, "" if stop.requested else "; trying again with a new client")
        return False
    return True


@contextmanager
def or_refused(connection: ConnectionSettings) -> Iterator[None]:
    """Make a ServiceRefused of a refusal, and of a client's failure where Kafka wants a security that is not set."""
    try:
        yield
    except AccessRefused as refused:
        raise ServiceRefused(str(refused)) from refused
    except ClientFailed as failed:
        missing = missing_security(connection)
        if missing is not None:
            raise ServiceRefused(missing) from failed
        raise


def problem_connecting(servers: str, stop: Stop) -> OSError | None:
    """Connect to one of the servers (host:port, comma-separated); return the last one's error where none answers."""
    problem = None
    for server in servers.split(","):
        if stop.requested:
            break
        try:
            connect(server).close()
        except OSError as error:
            problem = error
        else:
            return None
    return problem
