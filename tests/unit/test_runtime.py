import json
import logging
import time
from pathlib import Path

import pytest

import runtime.stop
from runtime import redaction
from runtime.health import STALE_AFTER_SECONDS, Heartbeat, is_healthy
from runtime.logs import JsonFormat, TextFormat, printable
from runtime.redaction import hide, redacted
from runtime.stop import Stop
from runtime.timing import Every


def log_record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    return logging.getLogger("test").makeRecord("test", level, "file", 1, message, (), None, extra=extra)


def test_a_text_line_has_time_label_and_message() -> None:
    line = TextFormat(colored=False).format(log_record("hello"))
    assert line[10] == "T"
    assert line[23:] == "Z INFO    hello"


def test_the_word_fraud_and_the_amount_alone_are_in_colour() -> None:
    line = TextFormat(colored=True).format(log_record("900.01 USD  a -> 900.01", label="FRAUD", emphasis="900.01"))
    red, plain = "\x1b[1;31m", "\x1b[0m"
    assert line[25:] == f"{red}FRAUD{plain}   {red}900.01{plain} USD  a -> 900.01"


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


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_replacements", {})


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("secret", ["schlüssel\\\t7", "it's-one", 'say "it"', 'it\'s "both"'])
def test_a_secret_is_in_no_line_however_it_is_written(secret: str) -> None:
    hide(secret)
    login = f'\0it\'s "him"\0{secret}'.encode()
    message = f"{secret}, {[secret]}, {secret.encode()!r}, {login!r}"
    line = TextFormat(colored=False).format(log_record(message))
    assert line.count("***") == 4
    assert json.loads(JsonFormat("detector").format(log_record(message)))["message"].count("***") == 4


@pytest.mark.usefixtures("secrets")
def test_a_secret_of_a_letter_is_hidden_where_a_library_writes_it_and_leaves_words_alone() -> None:
    hide("p")
    assert redacted("stopped: a pipe") == "stopped: a pipe"
    assert redacted(str({"password": "p"})) == "{'password': '***'}"
    assert redacted(repr(b"\0p\0p")) == "b'\\x00p\\x00***'"


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


def test_a_beat_in_the_future_is_of_another_clock(tmp_path: Path) -> None:
    file = tmp_path / "health"
    Heartbeat(str(file)).beat()
    assert is_healthy(file, time.time() - 5)
    assert not is_healthy(file, time.time() - STALE_AFTER_SECONDS - 1)


def test_a_beat_that_fails_is_a_warning_and_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heartbeat = Heartbeat(str(tmp_path / "gone" / "health"))
    heartbeat.beat()
    heartbeat.beat()
    assert len(caplog.messages) == 1
    assert "cannot be touched, so health checks will fail: No such file" in caplog.messages[0]


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


def test_a_stop_that_is_asked_for_ends_the_wait(stop: Stop) -> None:
    stop.request()
    started = time.monotonic()
    stop.wait(60)
    assert time.monotonic() - started < 30


def test_a_stop_is_overdue_some_time_after_it_was_first_asked_for(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not stop.is_overdue
    monkeypatch.setattr(runtime.stop, "SECONDS_TO_FINISH", 0)
    stop.request()
    monkeypatch.setattr(runtime.stop, "SECONDS_TO_FINISH", 3600)
    stop.request()
    stop.wait(0)
    assert stop.is_overdue
