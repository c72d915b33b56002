"""A long run from the command line: its seed, its end by Ctrl-C, its exit code."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from embedded_kafka import EmbeddedKafkaError


def exit_code(work: Callable[[], bool], seed: int) -> int:
    """Do the work, and return 0 where all was well, 1 where it was not, 130 after Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    print(f"seed {seed}", file=sys.stderr)  # noqa: T201 - a command prints
    try:
        return 0 if work() else 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201 - a command prints
        return 130
    except EmbeddedKafkaError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command prints
        return 1


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second one would cut the cleaning up short.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
