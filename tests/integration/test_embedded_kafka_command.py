"""`python -m embedded_kafka` and what it runs, as real processes."""

import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from embedded_kafka.ports import free_ports
from tests.support.commands import START_SECONDS, Command, expect_one_of_two, folders_left
from tests.support.services import catches_both
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

MODULE = "embedded_kafka"
LISTENS = "Kafka listens on localhost:"
PRINTS_WHERE_KAFKA_IS = "import os; print(os.environ['KAFKA_BOOTSTRAP_SERVERS'], flush=True)"
PRINTS_HOW_TO_CONNECT = "from runtime.settings import environment; print(environment()['KAFKA_SECURITY_PROTOCOL'])"
SLEEPS = "import time; print('running', flush=True); time.sleep(600)"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_command_is_told_where_kafka_is_and_gives_the_exit_code(tmp_path: Path) -> None:
    program = f"{PRINTS_WHERE_KAFKA_IS}; raise SystemExit(7)"
    with closing(Command(tmp_path, MODULE, "--port", "0", sys.executable, "-c", program)) as command:
        assert command.wait(START_SECONDS) == 7
        assert command.output.startswith("localhost:")
    assert folders_left(tmp_path) == []


def test_the_command_is_told_how_to_connect_whatever_the_env_file_says(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_SECURITY_PROTOCOL=SASL_SSL\n")
    arguments = ("--port", "0", sys.executable, "-c", PRINTS_HOW_TO_CONNECT)
    with closing(Command(tmp_path, MODULE, *arguments)) as command:
        assert command.wait(START_SECONDS) == 0
        assert command.output == "PLAINTEXT\n"


def test_sigterm_is_passed_on_to_the_command_and_kafka_goes_with_it(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0", "--", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        command.process.terminate()
        assert command.wait() == 128 + signal.SIGTERM
        command.expect_nothing_left()
    assert folders_left(tmp_path) == []


def test_ctrl_c_ends_the_command_and_kafka_with_exit_code_0(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        command.interrupt()
        assert command.wait() == 0
    assert folders_left(tmp_path) == []


def test_a_closed_terminal_ends_the_command_and_kafka(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        command.process.send_signal(signal.SIGHUP)
        assert command.wait() == 0
        command.expect_nothing_left()
    assert folders_left(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no PR_SET_PDEATHSIG")
def test_kafka_and_the_command_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        command.process.kill()
        command.expect_nothing_left()


def test_without_a_command_it_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.wait_for(LISTENS)
        command.process.terminate()
        assert command.wait() == 0
        command.expect_nothing_left()
    assert folders_left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_while_kafka_is_starting(tmp_path: Path, number: signal.Signals) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        wait_until(command.descendants, START_SECONDS, "Java")
        command.wait_for("Kafka is starting")
        for _ in range(3):
            command.process.send_signal(number)
        assert command.wait() == 0
        command.expect_nothing_left()
    assert folders_left(tmp_path) == []


@pytest.mark.parametrize("moment", ["Kafka is starting", "Making the users"])
def test_a_stop_before_its_command_could_run_is_no_success(tmp_path: Path, moment: str) -> None:
    arguments = ("--secure", "--port", "0", "--", sys.executable, "-c", SLEEPS)
    with closing(Command(tmp_path, MODULE, *arguments)) as command:
        command.wait_for(moment)
        command.process.terminate()
        assert command.wait() == 130
        command.expect_nothing_left()
        assert "running" not in command.output
    assert folders_left(tmp_path) == []


def test_a_command_that_the_system_cannot_start_is_one_line(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    with closing(Command(tmp_path, MODULE, "--port", "0", str(program))) as command:
        assert command.wait(START_SECONDS) == 126
        assert command.errors.splitlines()[-1] == f"{program} cannot be started: Exec format error"
        assert "Traceback" not in command.errors
    assert folders_left(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="what a process does with a signal is read from /proc")
def test_it_stops_while_it_imports_what_it_needs(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        wait_until(partial(catches_both, command.process.pid), START_SECONDS, "its handlers")
        command.process.send_signal(signal.SIGTERM)
        assert command.wait(START_SECONDS) == 0
        assert "Traceback" not in command.errors


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(tmp_path: Path, taken_port: int) -> None:
    with closing(Command(tmp_path, MODULE, "--port", str(taken_port))) as command:
        assert command.wait(START_SECONDS) == 2
        assert command.errors.splitlines() == [
            f"port {taken_port} cannot be used: Address already in use; choose another with --port or KAFKA_PORT"
        ]


def test_of_two_that_start_on_one_port_at_once_one_runs_and_the_other_says_why_it_does_not(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    refusal = rf"port {port} cannot be used: .*; choose another with --port or KAFKA_PORT"
    expect_one_of_two(tmp_path, MODULE, ["--port", str(port)], LISTENS, refusal)


def test_of_two_with_one_data_directory_one_runs_and_the_other_says_why_it_does_not(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    refusal = f"another Kafka uses the data directory {re.escape(str(directory))}; choose another"
    expect_one_of_two(tmp_path, MODULE, ["--port", "0", "--data-directory", str(directory)], LISTENS, refusal)


def test_what_a_killed_process_had_can_be_had_again(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    arguments = ("--port", str(port), "--data-directory", str(tmp_path / "data"))
    with closing(Command(tmp_path, MODULE, *arguments)) as killed:
        killed.wait_for(LISTENS)
        killed.process.kill()
        killed.expect_nothing_left()
    with closing(Command(tmp_path, MODULE, *arguments)) as command:
        command.wait_for(LISTENS)
        command.process.terminate()
        assert command.wait() == 0


def test_the_port_comes_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_PORT=twelve\n", encoding="utf-8")
    with closing(Command(tmp_path, MODULE)) as command:
        assert command.wait(START_SECONDS) == 2
        assert "not 'twelve'" in command.errors


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("TOPIC_PARTITIONS", "x", "a whole number from 1 to 10000"),
        ("FRAUD_TOPIC", "..", "a topic name: up to 249 letters, digits, dots, underscores and hyphens"),
    ],
)
def test_a_bad_setting_of_a_secured_kafka_is_one_line_and_exit_code_2(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    (tmp_path / ".env").write_text(f"{name}={text}\n")
    directory = tmp_path / "data"
    arguments = ("--secure", "--port", "0", "--data-directory", str(directory))
    with closing(Command(tmp_path, MODULE, *arguments)) as command:
        assert command.wait(START_SECONDS) == 2
        assert command.errors.splitlines() == [f"{name}={text!r}: expected {expected}"]
    assert list(directory.iterdir()) == []
