"""`python -m embedded_kafka` and what it runs, as real processes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
STOP_SECONDS = 15
PRINTS_WHERE_KAFKA_IS = "import os; print(os.environ['KAFKA_BOOTSTRAP_SERVERS'], flush=True)"
SLEEPS = "import time; print('running', flush=True); time.sleep(600)"


class Command:
    """`python -m embedded_kafka`, in the foreground of a terminal session of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._output = directory / "output"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {name: text for name, text in os.environ.items() if name != "KAFKA_PORT"}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded_kafka", *arguments],
                cwd=directory,
                env={**environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(directory), "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seen: set[psutil.Process] = set()

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.output or self._has_ended(), START_SECONDS, text)
        assert text in self.output
        self._seen.update(psutil.Process(self.process.pid).children(recursive=True))

    def wait(self, seconds: float = START_SECONDS) -> int:
        wait_until(self._has_ended, seconds, f"the end of the command; it said: {self.output}")
        return int(self.process.returncode)

    def expect_nothing_left(self) -> None:
        assert self._seen
        wait_until(lambda: not any(map(is_living, self._seen)), STOP_SECONDS, f"the end of {self._seen}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _has_ended(self) -> bool:
        return self.process.poll() is not None


def is_living(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def folders_of_brokers(directory: Path) -> list[Path]:
    return list(directory.glob("embedded-kafka-*"))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_command_is_told_where_kafka_is_and_gives_the_exit_code(tmp_path: Path) -> None:
    program = f"{PRINTS_WHERE_KAFKA_IS}; raise SystemExit(7)"
    with closing(Command(tmp_path, "--port", "0", sys.executable, "-c", program)) as command:
        assert command.wait() == 7
        assert "\nlocalhost:" in command.output
    assert folders_of_brokers(tmp_path) == []


def test_sigterm_is_passed_on_to_the_command_and_kafka_goes_with_it(tmp_path: Path) -> None:
    with closing(Command(tmp_path, "--port", "0", "--", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        command.process.terminate()
        assert command.wait(STOP_SECONDS) == 128 + signal.SIGTERM
        command.expect_nothing_left()
    assert folders_of_brokers(tmp_path) == []


def test_ctrl_c_ends_the_command_and_kafka_with_exit_code_0(tmp_path: Path) -> None:
    with closing(Command(tmp_path, "--port", "0", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        os.killpg(command.process.pid, signal.SIGINT)
        assert command.wait(STOP_SECONDS) == 0
        command.expect_nothing_left()
    assert folders_of_brokers(tmp_path) == []


def test_the_demo_shows_what_both_services_say_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    honcho = (sys.executable, "-m", "honcho", "--env", os.devnull, "--procfile", str(ROOT / "Procfile"), "start")
    with closing(Command(tmp_path, "--port", "0", "--", *honcho)) as command:
        command.wait_for(" SENT ")
        command.wait_for(" LEGIT ")
        os.killpg(command.process.pid, signal.SIGINT)
        assert command.wait(STOP_SECONDS) == 0
        assert "generator.1 | " in command.output
        assert "detector.1  | " in command.output
        command.expect_nothing_left()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no PR_SET_PDEATHSIG")
def test_kafka_and_the_command_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with closing(Command(tmp_path, "--port", "0", sys.executable, "-c", SLEEPS)) as command:
        command.wait_for("running")
        command.process.kill()
        command.expect_nothing_left()


def test_without_a_command_it_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with closing(Command(tmp_path, "--port", "0")) as command:
        command.wait_for("Kafka listens on localhost:")
        command.process.terminate()
        assert command.wait(STOP_SECONDS) == 0
        command.expect_nothing_left()
    assert folders_of_brokers(tmp_path) == []


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(tmp_path: Path, taken_port: int) -> None:
    with closing(Command(tmp_path, "--port", str(taken_port))) as command:
        assert command.wait() == 2
        assert command.output.splitlines() == [
            f"port {taken_port} cannot be used: Address already in use; choose another with --port or KAFKA_PORT"
        ]


def test_the_port_comes_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_PORT=twelve\n", encoding="utf-8")
    with closing(Command(tmp_path)) as command:
        assert command.wait() == 2
        assert "not 'twelve'" in command.output
