"""What stands still is told of when it has lasted, and what goes on is not."""

import logging
from collections.abc import Mapping

import pytest

import detector.standstill
from detector.standstill import StandstillReport


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector.standstill, "_SECONDS_BETWEEN_QUESTIONS", 0.0)
    monkeypatch.setattr(detector.standstill, "_SECONDS_BETWEEN_LINES", 0.0)


def told(caplog: pytest.LogCaptureFixture, *answers: Mapping[str, str]) -> list[str]:
    """Let the member give these answers, one after the other; return the lines."""
    report = StandstillReport()
    with caplog.at_level(logging.WARNING, "detector.standstill"):
        for answer in answers:
            report.report(lambda answer=answer: answer)  # type: ignore[misc]
    return caplog.messages


def test_what_lasts_is_told_with_the_latest_reason(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, {"a": "first"}, {"a": "second"}, {"a": "third"}) == ["a: second", "a: third"]


def test_what_goes_on_meanwhile_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, {"a at 1": "why"}, {"a at 2": "why"}, {}, {"a at 2": "why"}) == []


def test_each_of_several_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, {"a": "x", "b": "y"}, {"a": "x", "b": "y", "c": "z"}) == ["a: x", "b: y"]


def test_it_is_not_told_before_it_has_lasted(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(detector.standstill, "_SECONDS_BETWEEN_LINES", 3600.0)
    assert told(caplog, {"a": "x"}, {"a": "x"}) == []
