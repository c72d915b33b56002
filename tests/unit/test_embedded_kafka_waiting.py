"""What a command does while it waits, and what it has to itself."""

import errno
import fcntl
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from embedded_kafka import ports
from embedded_kafka import waiting as waiting_module
from embedded_kafka.claims import data_directory_to_oneself, port_to_oneself
from embedded_kafka.errors import CannotBeUsed
from embedded_kafka.waiting import Stopped, Waiting
from runtime.stop import Stop
from tests.support.waiting import wait_until

NOBODY = 65534


class Elsewhere(io.TextIOWrapper):
    """A file that the operating system knows, as `select` wants it."""

    def __init__(self) -> None:
        super().__init__(tempfile.TemporaryFile(), encoding="utf-8")  # noqa: SIM115 - closed with this

    def text(self) -> str:
        return os.pread(self.fileno(), 10_000, 0).decode()


class Terminal(Elsewhere):
    def isatty(self) -> bool:
        return True


class FullPipe(io.TextIOWrapper):
    """A pipe that nobody reads from, and that takes no more."""

    def __init__(self) -> None:
        self._unread, full = os.pipe()
        os.set_blocking(full, False)
        with suppress(BlockingIOError):
            while True:
                os.write(full, b"x" * 4096)
        os.set_blocking(full, True)
        super().__init__(os.fdopen(full, "wb"), encoding="utf-8")

    def close(self) -> None:
        os.close(self._unread)
        with suppress(BrokenPipeError):
            super().close()


def test_on_a_terminal_a_step_is_one_line_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Terminal()) as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        waiting = Waiting()
        waiting.pause("Downloading", "0 of 2")
        waiting.pause("Downloading", "1 of 2")
        waiting.done()
        assert terminal.text() == "\rDownloading: 0 of 2, 0 s\x1b[K\rDownloading: 1 of 2, 0 s\x1b[K\n"


def test_elsewhere_a_step_is_a_line_and_later_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "SECONDS_BETWEEN_LINES", 0.1)
    with closing(Elsewhere()) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        waiting = Waiting()
        waiting.pause("Starting")
        wait_until(partial(has_moved, waiting, stream), 10, "a second line")
        waiting.pause("Ready")
        assert stream.text().splitlines() == ["Starting", "Starting: 0 s", "Ready"]


def has_moved(waiting: Waiting, stream: Elsewhere) -> bool:
    waiting.pause("Starting")
    return len(stream.text().splitlines()) > 1


def test_who_waits_is_told_that_a_stop_is_asked_for() -> None:
    stop = Stop()
    stop.request()
    with pytest.raises(Stopped):
        Waiting(stop).pause("Starting")


def test_what_nobody_reads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "_PATIENCE_SECONDS", 0.1)
    with closing(FullPipe()) as pipe:
        monkeypatch.setattr(sys, "stderr", pipe)
        Waiting().pause("Starting")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract socket")
def test_a_port_is_one_broker_s_until_it_is_given_back() -> None:
    (port,) = ports.free_ports(1)
    with port_to_oneself(port):
        with pytest.raises(CannotBeUsed, match=rf"port {port} .*; choose another with --port"), port_to_oneself(port):
            pytest.fail("two have it")
        with port_to_oneself(0), port_to_oneself(0):
            pass
    with port_to_oneself(port):
        pass


def test_a_data_directory_is_one_broker_s_until_it_is_given_back(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with data_directory_to_oneself(directory):
        with pytest.raises(CannotBeUsed, match=str(directory)), data_directory_to_oneself(directory):
            pytest.fail("two have it")
        with data_directory_to_oneself(None), data_directory_to_oneself(None):
            pass
    with data_directory_to_oneself(directory):
        assert list(directory.iterdir()) == []


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(CannotBeUsed, match=str(path)), data_directory_to_oneself(path):
        pytest.fail("it is taken for one")


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody who is not root, in a folder that he may use whoever owns those above."""
    tmp_path.chmod(0o777)
    monkeypatch.chdir(tmp_path)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(user)


@pytest.mark.usefixtures("nobody")
def test_a_folder_that_may_not_be_read_is_no_data_directory() -> None:
    path = Path("unreadable")
    path.mkdir()
    path.chmod(0o300)
    refusal = f"^the data directory {path} cannot be used: Permission denied$"
    with pytest.raises(CannotBeUsed, match=refusal), data_directory_to_oneself(path):
        pytest.fail("it is taken for one")


def test_a_folder_that_cannot_be_locked_is_no_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", refuse_lock)
    refusal = f"^the data directory {tmp_path} cannot be used: No locks available$"
    with pytest.raises(CannotBeUsed, match=refusal), data_directory_to_oneself(tmp_path):
        pytest.fail("it is taken for one")


def refuse_lock(_descriptor: int, _operation: int) -> None:
    """Answer as a network file system without locks does."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
