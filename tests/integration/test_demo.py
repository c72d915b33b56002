"""`python -m demo`, as a user runs it: what it shows, what it refuses, and how it ends."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import termios
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.support.commands import START_SECONDS, Command, folders_left
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

MODULE = "demo"
COLUMNS = 120
COLOR = "\x1b["
OF_ANOTHER_KAFKA = """\
KAFKA_BOOTSTRAP_SERVERS=broker.example:9093
KAFKA_SECURITY_PROTOCOL=SASL_SSL
KAFKA_SASL_USERNAME=somebody
KAFKA_SASL_PASSWORD_FILE=/no/such/file
KAFKA_SSL_CA_FILE=/no/such/file
TOPIC_REPLICATION_FACTOR=3
"""


class Terminal:
    """A terminal of 120 columns, and what has been written to it."""

    def __init__(self) -> None:
        self._reader, self.descriptor = pty.openpty()
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        os.set_blocking(self._reader, False)
        self._text = ""

    def text(self) -> str:
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._reader, 65536):
                self._text += piece.decode()
        return self._text

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.text()) is not None

    def lines(self) -> list[str]:
        return self.text().split("\r\n")[:-1]

    def close(self) -> None:
        os.close(self._reader)
        os.close(self.descriptor)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with closing(Terminal()) as terminal:
        yield terminal


def without_color(line: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", line)


def test_it_shows_the_lines_of_both_services_and_ends_in_order_however_often_it_is_asked(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.wait_for(" SENT ")
        command.wait_for(" LEGIT ")
        for _ in range(10):
            command.interrupt()
        assert command.wait() == 0
        command.expect_nothing_left()
        one_time = r"(generator|detector ) \| \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +\S.*"
        assert [line for line in command.output.splitlines() if not re.fullmatch(one_time, line)] == []
        assert "generator | " in command.output
        assert "detector  | " in command.output
        assert command.output.count(" stopped: ") == 2
        assert "SIGKILL" not in command.errors
        assert "its data is removed at the end" in command.errors
    assert folders_left(tmp_path) == []


def test_as_json_there_is_nothing_but_json_whatever_kafka_the_env_file_is_for(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{OF_ANOTHER_KAFKA}LOG_FORMAT=JSON\n")
    with closing(Command(tmp_path, MODULE, "--port", "0", FORCE_COLOR="1")) as command:
        command.wait_for('"verdict":')
        command.process.terminate()
        assert command.wait() == 0
        command.expect_nothing_left()
        events = list(map(json.loads, command.output.splitlines()))
        assert {event["service"] for event in events} == {"generator", "detector"}


def test_a_secured_one_ends_in_order_too_and_keeps_what_it_is_told_to_keep(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(OF_ANOTHER_KAFKA)
    directory = tmp_path / "kept"
    with closing(Command(tmp_path, MODULE, "--port", "0", "--secure", "--data-directory", str(directory))) as command:
        command.wait_for(" LEGIT ")
        command.process.terminate()
        assert command.wait() == 0
        command.expect_nothing_left()
        assert f"its data stays in {directory}" in command.errors
    assert folders_left(tmp_path) == [directory]


def test_all_mistakes_of_all_settings_are_said_once_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FRAUD_THRESHOLD=much\n")
    command = Command(
        tmp_path,
        MODULE,
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        KAFKA_CLIENT="none",
        KAFKA_PORT="zero",
        ACCOUNTS="1",
        LOG_LEVEL="",
    )
    with closing(command):
        assert command.wait(START_SECONDS) == 2
        said = [line.partition(":")[0].partition("=")[0] for line in command.errors.splitlines()]
        assert sorted(said) == [
            "--port or KAFKA_PORT",
            "ACCOUNTS",
            "Checking the settings",
            "FRAUD_THRESHOLD",
            "KAFKA_CLIENT",
        ]
        assert command.output == ""
    assert folders_left(tmp_path) == []


@pytest.mark.parametrize("no_color", ["", "1"])
def test_on_a_terminal_a_fraud_fits_in_its_line_and_only_what_may_be_is_coloured(
    tmp_path: Path, terminal: Terminal, no_color: str
) -> None:
    command = Command(
        tmp_path, MODULE, "--port", "0", output=terminal.descriptor, NO_COLOR=no_color, TRANSACTIONS_PER_SECOND="100"
    )
    with closing(command):
        wait_until(partial(terminal.has, r" 9\d\d\.\d\d is over 900"), START_SECONDS, "a fraud")
        command.interrupt()
        assert command.wait() == 0
    lines = terminal.lines()
    frauds = [without_color(line) for line in lines if " is over 900" in line]
    assert [line for line in frauds if len(line) > COLUMNS] == []
    assert [line for line in lines if (COLOR in line) == bool(no_color)] == []
    assert all(re.match(r"(generator|detector ) \| \d\d:\d\d:\d\d\.\d{3} [A-Z]", without_color(line)) for line in lines)
