import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from messaging import supervisor
from messaging.library_log import quieten
from messaging.seam import AccessRefused, ClientFailed
from messaging.settings import ConnectionSettings
from runtime.service import EXIT_REFUSED, ServiceFailed, ServiceRefused
from runtime.settings import read_settings
from runtime.stop import Stop


class Waits(Stop):
    """A stop whose waits take no time; it may be asked for during the first one."""

    def __init__(self, *, ends: bool = False) -> None:
        super().__init__()
        self._ends = ends

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.requested = self._ends


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=_accept_until_closed, args=[server], daemon=True)
        accepting.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _accept_until_closed(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


def at(servers: str) -> ConnectionSettings:
    return read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": servers})


class Sessions:
    """Sessions of which the first ones fail, each after so many seconds in which so much was done."""

    def __init__(self, failures: int, *, seconds: float = 13.0, done: int = 0) -> None:
        self.begun = 0
        self._failures = failures
        self._seconds = seconds
        self._done = done

    def __call__(self) -> None:
        self.begun += 1
        if self.begun <= self._failures:
            raise ClientFailed(f"failure {self.begun}")

    def counted(self) -> supervisor.Failures:
        """Return what counts their failures."""
        return supervisor.Failures(lambda: self.begun * self._done, lambda: self.begun * self._seconds)


def test_one_server_that_answers_is_enough(listening: str, closed: str) -> None:
    assert supervisor.wait_for_cluster(f"{closed},{listening}", Stop())


def test_a_cluster_that_is_away_is_waited_for_with_a_line(closed: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not supervisor.wait_for_cluster(closed, Waits(ends=True))
    assert caplog.messages == [f"waiting for Kafka at {closed}: [Errno 111] Connection refused"]


def test_a_failed_client_is_replaced(listening: str, caplog: pytest.LogCaptureFixture) -> None:
    session = Sessions(failures=3)
    supervisor.keep_running(session, at(listening), session.counted(), Waits())
    assert session.begun == 4
    assert caplog.messages[0] == "failure 1; trying again with a new client"


def test_clients_that_keep_failing_end_the_service(listening: str) -> None:
    session = Sessions(failures=100)
    with pytest.raises(ServiceFailed, match="gave up after 10 consecutive failures, the last: failure 10"):
        supervisor.keep_running(session, at(listening), session.counted(), Waits())
    assert session.begun == 10


def test_a_refusal_ends_the_service_at_once(listening: str) -> None:
    sessions = []

    def session() -> None:
        sessions.append(session)
        raise AccessRefused("not allowed")

    with pytest.raises(ServiceRefused, match="not allowed") as refused:
        supervisor.keep_running(session, at(listening), supervisor.Failures(lambda: 0), Waits())
    assert len(sessions) == 1
    assert refused.value.exit_code == EXIT_REFUSED


@pytest.mark.parametrize(("seconds", "done"), [(60.0, 0), (1.0, 1)], ids=["a quiet minute", "something done"])
def test_failures_with_work_between_them_do_not_add_up(listening: str, seconds: float, done: int) -> None:
    session = Sessions(failures=30, seconds=seconds, done=done)
    supervisor.keep_running(session, at(listening), session.counted(), Waits())
    assert session.begun == 31


def test_a_kafka_that_has_gone_away_is_waited_for_and_not_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failures = supervisor.Failures(lambda: 0)

    def session() -> None:
        server.close()
        raise ClientFailed("away")

    for _ in range(30):
        with socket.create_server(("127.0.0.1", port)) as server:
            supervisor.keep_running(session, at(f"127.0.0.1:{port}"), failures, Waits(ends=True))


def test_a_stop_before_the_cluster_answers_begins_no_session(closed: str) -> None:
    session = Sessions(failures=0)
    stop = Waits()
    stop.requested = True
    supervisor.keep_running(session, at(closed), session.counted(), stop)
    assert session.begun == 0


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(supervisor._MODULES, "other", "no_such_library")  # noqa: SLF001 - the list of the libraries
    with pytest.raises(ServiceFailed, match="KAFKA_CLIENT=other: the package no_such_library is not installed"):
        supervisor.load_library("other")


def test_the_default_library_loads() -> None:
    assert supervisor.load_library("kafka-python").__name__ == "messaging.kafka_python"  # type: ignore[attr-defined]


def test_the_librarys_chatter_becomes_one_line(caplog: pytest.LogCaptureFixture) -> None:

    quieten("chatty", connections="chatty.connections")
    caplog.set_level(logging.WARNING)
    logging.getLogger("chatty.other").error("noise")
    for _ in range(3):
        logging.getLogger("chatty.connections").error("Connection failed: %s", "refused")
        logging.getLogger("chatty.connections").error("something else")
    assert caplog.messages == ["Kafka does not answer, trying again: Connection failed: refused"]


def lines_about(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest, *told: str) -> list[str]:
    """Return what becomes of what a library tells."""
    library = request.node.name
    quieten(library, library, "first:9092,here:9092")
    caplog.set_level(logging.WARNING)
    for each in told:
        logging.getLogger(library).error(each)
    return caplog.messages


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("Connection failed: here:9092: refused", None),
        ("HERE:9092/1: Connect to ipv4#10.0.0.1:9092 failed", None),
        ("Connection failed: there:9092: refused", "there:9092"),
        ("[rdkafka#producer-1] [thrd:main]: ssl://there:1/1: Connection setup timed out", "there:1"),
        ("GroupCoordinator: [::1]:1: Connect to ipv6#[::1]:1 failed", "[::1]:1"),
    ],
)
def test_an_address_that_a_broker_has_named_is_said_to_be_one(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest, told: str, address: str | None
) -> None:
    [line] = lines_about(caplog, request, told)
    _, says, advice = line.partition("; the broker itself named the address ")
    assert bool(says) == (address is not None)
    assert advice.partition(": ")[0] == (address or "")


def test_a_failure_without_an_address_is_told_with_the_last_that_had_one(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.library_log._SECONDS_BETWEEN_LINES", 0.0)
    _, line = lines_about(caplog, request, "there:1/1: Connect failed", "all connections have failed")
    assert "all connections have failed; the last: there:1/1: Connect failed; the broker itself named" in line
