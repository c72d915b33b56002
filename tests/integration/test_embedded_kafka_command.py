"""`python -m embedded_kafka` and what it runs, as real processes."""

import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from embedded_kafka.ports import free_ports
from tests.commands import START_SECONDS, Command, folders_left
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

MODULE = "embedded_kafka"
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
        command.wait_for("Kafka listens on localhost:")
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


def test_it_stops_while_it_imports_what_it_needs(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.process.send_signal(signal.SIGTERM)
        assert command.wait(START_SECONDS) in (0, -signal.SIGTERM)  # the latter before Python runs anything of ours
        assert command.errors == ""


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(tmp_path: Path, taken_port: int) -> None:
    with closing(Command(tmp_path, MODULE, "--port", str(taken_port))) as command:
        assert command.wait(START_SECONDS) == 2
        assert command.errors.splitlines() == [
            f"port {taken_port} cannot be used: Address already in use; choose another with --port or KAFKA_PORT"
        ]


def test_of_two_that_start_on_one_port_at_once_one_runs_and_the_other_says_why_it_does_not(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    says = f"port {port} cannot be used: "
    expect_one_of_two(tmp_path, [("--port", str(port))] * 2, says, "choose another with --port or KAFKA_PORT")


def test_of_two_with_one_data_directory_one_runs_and_the_other_says_why_it_does_not(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    says = f"another Kafka uses the data directory {directory}; "
    expect_one_of_two(tmp_path, [("--port", "0", "--data-directory", str(directory))] * 2, says, "choose another")


def expect_one_of_two(directory: Path, arguments: list[tuple[str, ...]], begin: str, end: str) -> None:
    with ExitStack() as stack:
        folders = [directory / str(number) for number in range(len(arguments))]
        for folder in folders:
            folder.mkdir()
        commands = [
            stack.enter_context(closing(Command(folder, MODULE, *each)))
            for folder, each in zip(folders, arguments, strict=True)
        ]
        (second,) = wait_until(partial(ended, commands), START_SECONDS, "the end of one of them")
        (first,) = (command for command in commands if command is not second)
        assert second.wait() == 2
        (line,) = second.errors.splitlines()
        assert line.startswith(begin)
        assert line.endswith(end)
        first.wait_for("Kafka listens on localhost:")
        first.process.terminate()
        assert first.wait() == 0


def ended(commands: Sequence[Command]) -> Sequence[Command]:
    return [command for command in commands if command.process.poll() is not None]


def test_what_a_killed_process_had_can_be_had_again(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    arguments = ("--port", str(port), "--data-directory", str(tmp_path / "data"))
    with closing(Command(tmp_path, MODULE, *arguments)) as killed:
        killed.wait_for("Kafka listens on localhost:")
        killed.process.kill()
        killed.expect_nothing_left()
    with closing(Command(tmp_path, MODULE, *arguments)) as command:
        command.wait_for("Kafka listens on localhost:")
        command.process.terminate()
        assert command.wait() == 0


def test_the_port_comes_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_PORT=twelve\n", encoding="utf-8")
    with closing(Command(tmp_path, MODULE)) as command:
        assert command.wait(START_SECONDS) == 2
        assert "not 'twelve'" in command.errors


def test_a_bad_setting_of_a_secured_kafka_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--secure", "--port", "0", TOPIC_PARTITIONS="x")) as command:
        assert command.wait(START_SECONDS) == 2
        assert command.errors.splitlines() == ["TOPIC_PARTITIONS='x': expected a whole number from 1 to 10000"]
