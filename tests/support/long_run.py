"""A long run from the command line: its end by Ctrl-C, its exit code, the rows of its table."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from confluent_kafka import KafkaException
from kafka.errors import KafkaError
from tqdm import tqdm

from embedded_kafka import EmbeddedKafkaError
from runtime.service import ServiceFailed

T = TypeVar("T")
STUCK = (AssertionError, EmbeddedKafkaError, KafkaError, KafkaException, ServiceFailed)


def exit_code(work: Callable[[], bool]) -> int:
    """Do the work, and return 0 where all was well, 1 where it was not or Kafka failed, 130 after Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return 0 if work() else 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201 - a command prints
        return 130
    except (EmbeddedKafkaError, KafkaError, KafkaException) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command prints
        return 1


def row(
    name: str, work: Callable[[Path, Callable[[], object]], T], show: Callable[[T], bool], total: int | None = None
) -> bool:
    """Do the work, show what came of it, and return whether that is well.

    The work gets a folder, which stays where it is not well, and what to call for each of its `total` steps.
    """
    directory = Path(tempfile.mkdtemp(prefix="run-"))
    bar = tqdm(total=total, desc=name, file=sys.stderr, leave=False, disable=None)
    try:
        with bar:
            outcome = work(directory, bar.update)
    except STUCK as stuck:
        print(f"**{name}: {stuck}**; the logs are in {directory}", flush=True)  # noqa: T201 - a command prints
        return False
    is_well = show(outcome)
    if is_well:
        shutil.rmtree(directory)
    else:
        print(f"the logs are in {directory}", file=sys.stderr)  # noqa: T201 - a command prints
    return is_well


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second one would cut the cleaning up short.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
