"""The start of a service process, before anything slow is imported: this module imports little itself."""

import os
import sys
from functools import partial
from types import TracebackType
from typing import NoReturn

from runtime.output import Output, open_outputs, standard_error
from runtime.stop import Stop


class Process:
    """A service process by its name; `exit_failed` is its exit code where it cannot go on, `log` where it logs to."""

    def __init__(self, name: str, stop: Stop, exit_failed: int, log: Output) -> None:
        self.name = name
        self.stop = stop
        self.exit_failed = exit_failed
        self.log = log


def begin(name: str, exit_failed: int = 1, exit_unstarted: int = 0) -> Process:
    """Make this process one that stops when asked to, and that no output can fail. Call first, in the main thread.

    A stop that comes before its work begins ends it with `exit_unstarted`. Whoever starts it may hold the signals back
    (`env --block-signal`) until Python is ready for them, which is now.
    """
    stop = Stop()
    log = open_outputs(name, stop.reader_is_gone)
    stop.log = log
    stop.on_signals(exit_failed, exit_unstarted)
    sys.excepthook = partial(_end_unexpectedly, exit_failed)
    return Process(name, stop, exit_failed, log)


def end(exit_code: int) -> NoReturn:
    """Leave at once: a Kafka client's exit handlers may wait for a cluster that is away, a user's threads for ever."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Output):  # a user's rule may have put another one there
            stream.flush()
    os._exit(exit_code)


def _end_unexpectedly(
    exit_code: int, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Show a mistake of ours whole, and end without waiting for the threads that Python would wait for."""
    sys.stderr = standard_error()
    sys.__excepthook__(kind, error, traceback)
    end(exit_code)
