"""Where the log goes: a reader that leaves, one that does not read, a full disk, an output that is closed."""

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest

from tests.support.conservation import assert_each_judged_once, wait_until_judged
from tests.support.services import Services, environment
from tests.support.topics import Names, committed, message, write
from tests.support.waiting import BUSY, wait_until

pytestmark = pytest.mark.integration

PAIR = ("generator", "detector")
PAID = 50
END_SECONDS = 10 * BUSY
FULL = "No space left on device"
CLOSED = "it is closed"
LEAST_IN_A_FULL_PIPE = 60_000  # of 65,536 bytes
STILL_SECONDS = 1.0  # of a service that writes hundreds of lines a second


@pytest.fixture
def settings(broker: str, client: str, names: Names) -> Mapping[str, str]:
    return environment({"KAFKA_BOOTSTRAP_SERVERS": broker, "KAFKA_CLIENT": client, **names.settings()})


@pytest.fixture
def loaded(services: Services) -> None:
    """A topic that holds some transactions."""
    fill(services, PAID)


def fill(services: Services, count: int) -> None:
    assert services.start("generator", TRANSACTION_COUNT=str(count), TRANSACTIONS_PER_SECOND="0").wait(20) == 0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def start(
    module: str, settings: Mapping[str, str], directory: Path, stdout: IO[bytes] | int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module], env=settings, cwd=directory, stdout=stdout, stderr=subprocess.PIPE
    )


def expect_end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Return the exit code, and what was said on standard error."""
    assert process.stderr is not None
    said = process.stderr.read().decode()
    return process.wait(END_SECONDS), said


def run_into(target: str, module: str, settings: Mapping[str, str], directory: Path) -> subprocess.Popen[bytes]:
    """Start a service in a shell that leads its standard output somewhere."""
    command = f"exec {shlex.quote(sys.executable)} -m {module} {target}"
    return subprocess.Popen(["/bin/sh", "-c", command], env=settings, cwd=directory, stderr=subprocess.PIPE)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("module", PAIR)
def test_a_service_whose_reader_has_left_stops_in_order_and_says_nothing(
    module: str, settings: Mapping[str, str], tmp_path: Path
) -> None:
    process = start(module, {**settings, "TRANSACTIONS_PER_SECOND": "100"}, tmp_path)
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(3)]
    process.stdout.close()
    assert b"started: " in first[0]
    assert expect_end(process) == (0, "")


@pytest.mark.parametrize("module", PAIR)
def test_a_service_whose_reader_does_not_read_still_ends_when_asked_to(
    module: str, settings: Mapping[str, str], services: Services, pipe: tuple[int, int], tmp_path: Path
) -> None:
    fill(services, 2_000)  # a pipe holds the lines of some hundreds
    outlet, inlet = pipe
    process = start(module, {**settings, "TRANSACTIONS_PER_SECOND": "2000"}, tmp_path, stdout=inlet)
    wait_until(StandsStill(outlet), 30, "a full pipe")
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    code, said = expect_end(process)
    assert (code, said.count("\n")) == (1, 1)
    assert "still waiting for whoever reads the log (runtime.output, line " in said
    assert os.read(outlet, 10)


class StandsStill:
    """Tells whether nothing has come into a pipe for so long that whoever writes to it must be waiting."""

    def __init__(self, outlet: int) -> None:
        self._outlet = outlet
        self._held = 0
        self._since = time.monotonic()

    def __call__(self) -> bool:
        held = int.from_bytes(fcntl.ioctl(self._outlet, termios.FIONREAD, bytes(4)), sys.byteorder)
        if held != self._held:
            self._held, self._since = held, time.monotonic()
        return held > LEAST_IN_A_FULL_PIPE and time.monotonic() - self._since > STILL_SECONDS


@pytest.mark.parametrize(("target", "problem"), [(">/dev/full", FULL), (">&-", CLOSED)])
def test_a_generator_that_cannot_write_its_log_says_so_once_and_goes_on(
    target: str, problem: str, settings: Mapping[str, str], broker: str, names: Names, tmp_path: Path
) -> None:
    process = run_into(target, "generator", {**settings, "TRANSACTION_COUNT": str(PAID)}, tmp_path)
    said = f"generator: the log cannot be written: {problem}; continuing without it\n"
    assert expect_end(process) == (0, said)
    assert len(committed(broker, names.transactions)) == PAID


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("target", "problem"), [(">/dev/full", FULL), (">&-", CLOSED), ("<&- >&- 2>&-", None), (">/dev/full 2>&1", None)]
)
def test_a_detector_that_cannot_write_its_log_says_so_once_and_goes_on_judging(
    target: str, problem: str | None, settings: Mapping[str, str], broker: str, names: Names, tmp_path: Path
) -> None:
    process = run_into(target, "detector", settings, tmp_path)
    wait_until_judged(broker, names, PAID)
    process.terminate()
    said = f"detector: the log cannot be written: {problem}; continuing without it\n" if problem else ""
    assert expect_end(process) == (0, said)
    assert_each_judged_once(broker, names, PAID)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_an_audit_that_nobody_reads_answers_in_its_exit_code(
    settings: Mapping[str, str], services: Services, broker: str, names: Names, tmp_path: Path
) -> None:
    detector = services.start("detector")
    wait_until_judged(broker, names, PAID)
    assert detector.stop() == 0
    assert expect_end(start_unread("audit", settings, tmp_path)) == (0, "")
    write(broker, [message(names.fraud, b"from nowhere")])
    assert expect_end(start_unread("audit", settings, tmp_path)) == (1, "")


def start_unread(module: str, settings: Mapping[str, str], directory: Path) -> subprocess.Popen[bytes]:
    process = start(module, settings, directory)
    assert process.stdout is not None
    process.stdout.close()
    return process
