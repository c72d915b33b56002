"""A contender's process while it is measured: whether it still runs, and what it costs."""

import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.services import Service

STOP_SECONDS = 20
LAST_LINES = 5
MEGABYTE = 1_000_000


class RunFailed(Exception):
    """A run that does not count; the message says why."""


@dataclass
class Measured:
    """A process, and the most memory that was seen of it."""

    process: Service
    peak_megabytes: float = 0.0

    def look(self) -> None:
        """Take note of its memory. Raises RunFailed when it has failed."""
        if self.process.exit_code:
            raise RunFailed(f"it ended by itself with exit code {self.process.exit_code}: {self.last_lines()}")
        with suppress(psutil.Error):
            resident = psutil.Process(self.process.process_id).memory_info().rss
            self.peak_megabytes = max(self.peak_megabytes, resident / MEGABYTE)

    def last_lines(self) -> str:
        """Return the end of what it has printed."""
        return " / ".join(self.process.lines[-LAST_LINES:])


@contextmanager
def started(command: Sequence[str], settings: Mapping[str, str], directory: Path) -> Iterator[Measured]:
    """Start a command with these settings, in a folder without .env. It has ended after the `with`."""
    process = Service(command[0], command, settings, Path(tempfile.mkdtemp(dir=directory)))
    try:
        yield Measured(process)
    finally:
        process.signal(signal.SIGTERM)
        if process.is_running_after(STOP_SECONDS):
            process.kill()
