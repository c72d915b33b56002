import logging
import socket
import threading
from collections.abc import Iterator, Sequence

import pytest

from messaging import supervisor
from messaging.library_log import quieten
from messaging.seam import AccessRefused, ClientFailed
from messaging.settings import ConnectionSettings
from runtime.service import EXIT_REFUSED, ServiceFailed, ServiceRefused
from runtime.settings import read_settings
from runtime.stop import Stop

HALF_AN_HOUR = 1_800.0


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
    """Sessions of which the first ones fail.

    Each takes half an hour to connect, polls (True: undisturbed), with so many seconds after each time, and does so
    much; after the last poll it is another half hour until it ends.
    """

    def __init__(self, failures: int, *, polls: Sequence[bool] = (), seconds: float = 0.0, done: int = 0) -> None:
        self.begun = 0
        self._failures = failures
        self._polls = polls
        self._seconds = seconds
        self._now = 0.0
        self.counted = supervisor.Failures(lambda: self.begun * done, lambda: self._now)

    def __call__(self) -> None:
        self.begun += 1
        self._now += HALF_AN_HOUR
        for is_undisturbed in self._polls:
            self.counted.polled(is_undisturbed=is_undisturbed)
            self._now += self._seconds
        self._now += HALF_AN_HOUR
        if self.begun <= self._failures:
            raise ClientFailed(f"failure {self.begun}")


def test_one_server_that_answers_is_enough(listening: str, closed: str) -> None:
    assert supervisor.wait_for_cluster(f"{closed},{listening}", Stop())


def test_a_cluster_that_is_away_is_waited_for_with_a_line(closed: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not supervisor.wait_for_cluster(closed, Waits(ends=True))
    assert caplog.messages == [f"waiting for Kafka at {closed}: [Errno 111] Connection refused"]


def test_a_failed_client_is_replaced(listening: str, caplog: pytest.LogCaptureFixture) -> None:
    session = Sessions(failures=3)
    supervisor.keep_running(session, at(listening), session.counted, Waits())
    assert session.begun == 4
    assert caplog.messages[0] == "failure 1; trying again with a new client"


@pytest.mark.parametrize(
    "polls",
    [[], [True], [True, True], [False, False, False], [True, True, False, True, True]],
    ids=["not connected", "one poll", "59 s", "never undisturbed", "disturbed"],
)
def test_clients_that_keep_failing_end_the_service_however_long_it_takes(listening: str, polls: Sequence[bool]) -> None:
    session = Sessions(failures=100, polls=polls, seconds=59.0)
    with pytest.raises(ServiceFailed, match="gave up after 10 consecutive failures, the last: failure 10"):
        supervisor.keep_running(session, at(listening), session.counted, Waits())
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


@pytest.mark.parametrize(
    ("polls", "done"), [([True] * 3, 0), ([False, True, True, True, False], 0), ([False], 1), ([], 1)]
)
def test_failures_with_a_minute_of_polling_or_something_done_between_them_do_not_add_up(
    listening: str, polls: Sequence[bool], done: int
) -> None:
    session = Sessions(failures=30, polls=polls, seconds=30.0, done=done)
    supervisor.keep_running(session, at(listening), session.counted, Waits())
    assert session.begun == 31


def test_what_was_done_until_kafka_went_away_counts_too() -> None:
    done = 0
    failures = supervisor.Failures(lambda: done)
    for _ in range(9):
        failures.session_begins()
        failures.add(ClientFailed("counted"))
    failures.session_begins()
    done = 1
    failures.session_begins()
    failures.add(ClientFailed("the first in another row"))


def test_the_time_in_which_kafka_was_away_is_no_undisturbed_one() -> None:
    now = 0.0
    failures = supervisor.Failures(lambda: 0, lambda: now)
    for _ in range(9):
        failures.session_begins()
        failures.polled(is_undisturbed=True)
        now += HALF_AN_HOUR
    failures.session_begins()
    for _ in range(9):
        failures.add(ClientFailed("counted"))
        failures.polled(is_undisturbed=True)
        now += 1.0
    with pytest.raises(ServiceFailed, match="gave up after 10 consecutive failures"):
        failures.add(ClientFailed("the last"))


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
    supervisor.keep_running(session, at(closed), session.counted, stop)
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
