"""How `python -m demo` ends: when it is asked to, when it is not, and when there is nobody to show anything to."""

import fcntl
import os
import select
import signal
import sys
import termios
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from embedded_kafka.ports import free_ports
from tests.support.commands import START_SECONDS, Command, expect_one_of_two, folders_left
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

MODULE = "demo"


def service(command: Command, name: str) -> psutil.Process:
    (found,) = [each for each in command.descendants() if each.cmdline()[-2:] == ["-m", name]]
    return found


def test_of_two_that_start_on_one_port_at_once_only_one_runs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    refusal = rf"port {port} cannot be used: .*; choose another with --port or KAFKA_PORT"
    expect_one_of_two(tmp_path, MODULE, ["--port", str(port)], " LEGIT ", refusal)


def test_without_a_reader_it_ends_in_order(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with closing(Command(tmp_path, MODULE, "--port", "0", output=writer)) as command:
        os.close(writer)
        wait_until(partial(has_something, reader), START_SECONDS, "a line")
        command.wait_for("Kafka is ready")
        os.close(reader)
        assert command.wait() == 0
        command.expect_nothing_left()
    assert folders_left(tmp_path) == []


def has_something(reader: int) -> bool:
    return bool(select.select((reader,), (), (), 0)[0])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_where_nothing_can_be_written_it_says_so_and_ends(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = Command(tmp_path, MODULE, "--port", "0", output=full.fileno())
    with closing(command):
        assert command.wait(START_SECONDS) == 1
        assert command.errors.count("No space left on device") == 1
        assert "Traceback" not in command.errors
    assert folders_left(tmp_path) == []


def test_a_reader_who_does_not_read_does_not_hold_it_up(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with closing(Command(tmp_path, MODULE, "--port", "0", output=writer, TRANSACTIONS_PER_SECOND="0")) as command:
        os.close(writer)
        command.wait_for("Kafka is ready")
        wait_until(partial(is_full, reader), START_SECONDS, "a full pipe")
        command.process.terminate()
        assert command.wait() == 0
        command.expect_nothing_left()
    os.close(reader)


def is_full(reader: int) -> bool:
    waiting = bytearray(4)
    fcntl.ioctl(reader, termios.FIONREAD, waiting)
    return int.from_bytes(waiting, sys.byteorder) >= 60_000


@pytest.mark.parametrize("name", ["generator", "detector"])
def test_a_service_that_ends_by_itself_ends_all_with_its_exit_code(tmp_path: Path, name: str) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.wait_for(" LEGIT ")
        service(command, name).kill()
        assert command.wait() == 128 + signal.SIGKILL
        command.expect_nothing_left()
        assert f"the {name} ended unexpectedly, with exit code 137" in command.errors
        assert " stopped: " in command.output


def test_a_generator_that_has_sent_everything_leaves_the_detector_at_work(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0", TRANSACTION_COUNT="5", FRAUD_THRESHOLD="9000")) as command:
        command.wait_for("the generator has finished")
        command.wait_for(" LEGIT ", count=5)
        command.process.terminate()
        assert command.wait() == 0
        assert "judged 5" in command.output


def test_a_kafka_that_ends_by_itself_ends_all(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.wait_for(" LEGIT ")
        (java,) = [each for each in command.descendants() if each.name() == "java"]
        java.kill()
        assert command.wait() == 1
        assert "Kafka ended unexpectedly" in command.errors
    assert folders_left(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no PR_SET_PDEATHSIG")
def test_when_it_is_killed_nothing_lives_on(tmp_path: Path) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.wait_for(" LEGIT ")
        command.process.kill()
        command.expect_nothing_left()


@pytest.mark.parametrize("moment", ["Checking the settings", "Kafka is starting", "Kafka is ready", " started: "])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_order_at_every_moment(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    with closing(Command(tmp_path, MODULE, "--port", "0")) as command:
        command.wait_for(moment)
        for _ in range(3):
            command.process.send_signal(number)
        assert command.wait() == 0
        command.expect_nothing_left()
    assert folders_left(tmp_path) == []
