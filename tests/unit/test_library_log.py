"""What of a library's own log is told: what lasts, and under the right name."""

import logging
import uuid

import pytest

from messaging import library_log
from messaging.library_log import latest_trouble, quieten

WARNED = "<Sender client_id=x transactional_id=None>: Got error, retrying: NotEnoughReplicasError"
TOLD = "Got error, retrying: NotEnoughReplicasError"
CONCURRENT = "GETPID [rdkafka#producer-1] [thrd:main]: Failed to acquire transactional PID: Broker: Try again: retrying"


@pytest.fixture
def library(caplog: pytest.LogCaptureFixture) -> str:
    """The name of a library's logger whose lines are caught."""
    caplog.set_level(logging.WARNING)
    name = f"library-{uuid.uuid4().hex}"
    quieten(name, connections=f"{name}.connections", retries=[f"{name}.retries"])
    return name


def warn(library: str, *lines: str) -> None:
    for line in lines:
        logging.getLogger(library).warning(line)


def test_an_error_that_is_retried_once_more_is_not_told_and_is_known(
    library: str, caplog: pytest.LogCaptureFixture
) -> None:
    warn(f"{library}.retries", WARNED, WARNED)
    assert caplog.messages == []
    assert latest_trouble([f"{library}.others", f"{library}.retries"]) == TOLD


def test_an_error_that_lasts_is_told_once_in_a_while(
    library: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_log, "_LASTS_SECONDS", 0.0)
    warn(f"{library}.retries", WARNED, WARNED, WARNED)
    assert caplog.messages == [f"not done yet, trying again: {TOLD}"]


def test_an_error_that_comes_after_a_gap_begins_anew(
    library: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_log, "_LASTS_SECONDS", 0.0)
    monkeypatch.setattr(library_log, "_LONGEST_GAP_SECONDS", -1.0)
    warn(f"{library}.retries", WARNED, WARNED)
    assert caplog.messages == []
    assert latest_trouble([f"{library}.retries"]) is None


def test_a_second_client_changes_nothing(library: str, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        quieten(f"{library}.both", connections=f"{library}.both")
    warn(f"{library}.both", "Connection failed: refused")
    assert caplog.messages == ["Kafka does not answer, trying again: Connection failed: refused"]


def test_a_brokers_answer_is_not_a_lost_connection(
    library: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    warn(f"{library}.connections", CONCURRENT, CONCURRENT)
    assert caplog.messages == []
    monkeypatch.setattr(library_log, "_LASTS_SECONDS", 0.0)
    warn(f"{library}.connections", CONCURRENT)
    assert caplog.messages == [
        "not done yet, trying again: Failed to acquire transactional PID: Broker: Try again: retrying"
    ]
