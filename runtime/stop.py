"""Stopping: SIGTERM and SIGINT request it, the loops check for it, and a watchdog ends what hangs.

A signal handler never raises: the exception would surface inside whatever runs at that moment, such as a user's rule or
a log line, which would take it for a failure of its own.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from runtime.output import ERRORS, OUTPUT, Output

SECONDS_TO_FINISH = 2  # after these a loop gives up what it waits for
SECONDS_TO_END = 3  # after these the process ends wherever it is
_SLICE_SECONDS = 0.05
_ASKING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ASKED = b"\0"
_WAKING = {_ASKED, *(bytes([number]) for number in _ASKING_SIGNALS)}


class Stop:
    """Whether the service has been asked to stop.

    `waiting_for` says what it would be waiting for if it hung now; `as_line` makes a line of the log of a message, and
    `log` is where such lines go.
    """

    as_line: Callable[[str], str]
    log: Output | None = None

    def __init__(self) -> None:
        self.requested = False
        self.waiting_for = "its own start"
        self._exit_code_while_starting: int | None = None
        self.as_line = str
        self.outlives_its_reader = False
        self._overdue_at = float("inf")
        self._asking = -1
        self._is_child = False

    @property
    def is_overdue(self) -> bool:
        """Whether it was asked so long ago that what is waited for has to be given up."""
        return time.monotonic() > self._overdue_at

    def request(self) -> None:
        """Ask for a stop. Asked again it changes nothing: `timeout` and some shells send each signal twice."""
        if self._exit_code_while_starting is not None:
            os._exit(self._exit_code_while_starting)
        if not self.requested:
            self.requested = True
            self._overdue_at = time.monotonic() + SECONDS_TO_FINISH
            if self._asking >= 0:
                os.write(self._asking, _ASKED)

    def work_begins(self, waiting_for: str) -> None:
        """Say that from here on a stop has to be looked at; before, it ends the process at once."""
        self._exit_code_while_starting = None
        self.waiting_for = waiting_for

    @contextmanager
    def while_waiting_for(self, what: str) -> Iterator[None]:
        """Say what the block is waiting for if it hangs."""
        before, self.waiting_for = self.waiting_for, what
        try:
            yield
        finally:
            self.waiting_for = before

    def reader_is_gone(self) -> None:
        """Ask for a stop because nobody reads the output any more."""
        if not self.outlives_its_reader:
            self.request()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until a stop is asked for.

        In slices: setting a threading.Event in a signal handler can deadlock with the wait that it interrupts.
        """
        deadline = time.monotonic() + seconds
        while not self.requested and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))

    def on_signals(self, exit_code: int, exit_code_while_starting: int) -> None:
        """Ask for a stop with SIGTERM and SIGINT; end the process with the exit code where it has not ended in time.

        Call in the main thread, while nothing has begun that might be lost.
        """
        self._exit_code_while_starting = exit_code_while_starting
        asked, self._asking = os.pipe()
        os.set_blocking(self._asking, False)
        threading.Thread(target=self._end_in_time, args=(asked, exit_code), name="watchdog", daemon=True).start()
        signal.set_wakeup_fd(self._asking, warn_on_full_buffer=False)
        for number in _ASKING_SIGNALS:
            signal.signal(number, self._on_signal)
        # A child that is sent a signal at once would still have our handler, and wake our watchdog.
        _release_signals()
        os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=self._in_child)

    def end_a_child(self) -> None:
        """End this process where it is a child that a user's rule has forked and let return: it must decide nothing."""
        if self._is_child:
            os._exit(0)

    def _in_child(self) -> None:
        """Leave signals to their defaults, and what belongs to the parent alone."""
        self._is_child = self.requested = True
        self._asking = -1
        signal.set_wakeup_fd(-1)
        for number in _ASKING_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        _release_signals()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.request()

    def _end_in_time(self, asked: int, exit_code: int) -> None:
        """Wait until a stop is asked for, and then a little; take no lock, which may be what the process hangs on.

        A signal wakes this thread even while the main thread is in a call that never gets to Python's own handler.
        """
        while os.read(asked, 1) not in _WAKING:  # a rule may have signals of its own
            continue
        time.sleep(SECONDS_TO_END)
        is_log_slow = self.log is not None and self.log.is_writing
        waited_for = "whoever reads the log" if is_log_slow else self.waiting_for
        said = (
            f"ended by force {SECONDS_TO_END} s after it was asked to stop: still waiting for {waited_for} ({_place()})"
        )
        line = f"{self.as_line(said)}\n".encode(errors="backslashreplace")
        if not _written_without_waiting(OUTPUT, line):
            _written_without_waiting(ERRORS, line)
        os._exit(exit_code)


def _hold_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _ASKING_SIGNALS)


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING_SIGNALS)


def _place() -> str:
    """Return where the main thread is, in code of ours or of the user's."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - it has no public name
    while frame is not None and frame.f_back is not None and _is_of_a_library(frame.f_code.co_filename):
        frame = frame.f_back
    return "nowhere" if frame is None else f"{frame.f_globals.get('__name__')}, line {frame.f_lineno}"


def _is_of_a_library(file: str) -> bool:
    return "site-packages" in file or file.startswith(("<", os.__file__.removesuffix("os.py")))


def _written_without_waiting(descriptor: int, line: bytes) -> bool:
    """Write a line if that is possible at once, and tell whether it was."""
    written = False
    with suppress(OSError):
        was_blocking = os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)
        with suppress(BlockingIOError):
            written = os.write(descriptor, line) > 0
        os.set_blocking(descriptor, was_blocking)  # others may share what it leads to
    return written
