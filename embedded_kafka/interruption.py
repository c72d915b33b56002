"""The start of a command that runs a broker: signals are handled before anything slow happens."""

import signal
from functools import partial
from types import FrameType

from runtime.output import open_outputs
from runtime.stop import Stop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def begin(name: str) -> Stop:
    """Make this process one that stops when asked to and that its output cannot fail. Call first, in the main thread.

    Whoever starts it may hold the signals back (`env --block-signal`) until Python is ready for them, which is now.
    """
    stop = Stop()
    open_outputs(name, stop.request)
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # which is how nohup begins
            signal.signal(number, partial(_request, stop))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return stop


def _request(stop: Stop, _number: int, _frame: FrameType | None) -> None:
    stop.request()
