"""The first moments of a service process, before anything that takes time is imported: this imports little itself."""

import os
import sys
from functools import partial
from types import TracebackType

from runtime.output import open_outputs
from runtime.stop import Stop


class Process:
    """A service process by its name; `exit_failed` is its exit code where it cannot go on."""

    def __init__(self, name: str, stop: Stop, exit_failed: int) -> None:
        self.name = name
        self.stop = stop
        self.exit_failed = exit_failed


def begin(name: str, exit_failed: int = 1, exit_unstarted: int = 0) -> Process:
    """Make this process one that stops when asked to, and that no output can fail. Call first, in the main thread.

    A stop that comes before its work begins ends it with `exit_unstarted`.
    """
    stop = Stop()
    open_outputs(name, stop.reader_is_gone)
    stop.on_signals(exit_failed, exit_unstarted)
    sys.excepthook = partial(_end_unexpectedly, exit_failed)
    return Process(name, stop, exit_failed)


def end(exit_code: int) -> None:
    """Leave at once: a Kafka client's own exit handlers may wait for a cluster that is away."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def _end_unexpectedly(
    exit_code: int, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Show a mistake of ours whole, and end without waiting for the threads that Python would wait for."""
    sys.__excepthook__(kind, error, traceback)
    end(exit_code)
