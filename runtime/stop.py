"""Stopping: SIGTERM and SIGINT ask for it; a service that cannot finish in time is interrupted."""

import signal
import time
from types import FrameType

SECONDS_TO_FINISH = 2
_SLICE_SECONDS = 0.05


class StopTimeout(Exception):
    """Raised in the main thread, wherever it is, when the service has not stopped in time after it was asked to."""


class Stop:
    """Whether the service has been asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until a stop is asked for.

        In slices: setting a threading.Event in a signal handler can deadlock with the wait that it interrupts.
        """
        deadline = time.monotonic() + seconds
        while not self.requested and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Ask for a stop. Asked again it changes nothing: `timeout` and some shells send each signal twice."""
        if not self.requested:
            self.requested = True
            signal.alarm(SECONDS_TO_FINISH)


def stop_on_signals() -> Stop:
    """Return a Stop that SIGTERM and SIGINT ask for. Call in the main thread."""
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.on_signal)
    signal.signal(signal.SIGINT, stop.on_signal)
    signal.signal(signal.SIGALRM, _raise_stop_timeout)
    return stop


def _raise_stop_timeout(_number: int, _frame: FrameType | None) -> None:
    raise StopTimeout
