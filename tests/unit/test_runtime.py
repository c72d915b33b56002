import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.health import STALE_AFTER_SECONDS, Heartbeat, is_healthy
from runtime.logs import Every, JsonFormat, TextFormat, hide, printable
from runtime.stop import Stop, StopTimeout, stop_on_signals


def log_record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    return logging.getLogger("test").makeRecord("test", level, "file", 1, message, (), None, extra=extra)


def test_a_text_line_has_time_label_and_message() -> None:
    line = TextFormat(colored=False).format(log_record("hello"))
    assert line[10] == "T"
    assert line[23:] == "Z INFO    hello"


def test_fraud_stands_out_on_a_terminal() -> None:
    line = TextFormat(colored=True).format(log_record("900.01 USD", label="FRAUD"))
    assert line.startswith("\x1b[1;31m")
    assert line.endswith("FRAUD   900.01 USD\x1b[0m")


def test_what_is_legit_is_not_coloured() -> None:
    assert "\x1b" not in TextFormat(colored=True).format(log_record("1 USD", label="LEGIT"))


def test_a_json_line_has_the_events_fields() -> None:
    line = JsonFormat("detector").format(log_record("hello", level=logging.WARNING, fields={"offset": 7}))
    event = json.loads(line)
    assert (event["level"], event["service"], event["message"], event["offset"]) == (
        "warning",
        "detector",
        "hello",
        7,
    )


def test_a_secret_is_in_no_line_however_it_is_written() -> None:
    secret = "schlüssel\\\t7"  # noqa: S105 - made up
    hide(secret)
    message = f"{secret}, {[secret]}, {secret.encode()!r}"
    line = TextFormat(colored=False).format(log_record(message))
    assert line.endswith(" ***, ['***'], b'***'")
    assert json.loads(JsonFormat("detector").format(log_record(message)))["message"] == "***, ['***'], b'***'"


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [("abc", "abc"), ("zoë", "zoë"), ("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("x" * 65, "x" * 64 + "…")],
)
def test_foreign_text_cannot_break_a_line(foreign: str, shown: str) -> None:
    assert printable(foreign) == shown


def test_every_says_yes_once_an_interval() -> None:
    every = Every(3600, starts_due=True)
    assert [every.is_due(), every.is_due()] == [True, False]
    assert not Every(3600, starts_due=False).is_due()


def test_a_beat_makes_healthy(tmp_path: Path) -> None:
    file = tmp_path / "health"
    assert not is_healthy(file, time.time())
    Heartbeat(str(file)).beat()
    assert is_healthy(file, time.time())
    assert not is_healthy(file, time.time() + STALE_AFTER_SECONDS + 1)


def test_without_a_file_nothing_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Heartbeat(None).beat()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def stop() -> Stop:
    return Stop()


def test_a_wait_ends_when_its_time_is_over(stop: Stop) -> None:
    stop.wait(0.01)
    assert not stop.requested


@pytest.fixture
def signalled() -> Iterator[Stop]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield stop_on_signals()
    signal.alarm(0)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_signal_asks_for_a_stop_and_ends_the_wait(signalled: Stop) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    started = time.monotonic()
    signalled.wait(60)
    assert signalled.requested
    assert time.monotonic() - started < 30


def test_a_signal_sent_twice_changes_nothing(signalled: Stop) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert signalled.requested


def test_a_service_that_does_not_stop_in_time_is_interrupted(signalled: Stop) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopTimeout):
        os.kill(os.getpid(), signal.SIGALRM)
    assert signalled.requested
