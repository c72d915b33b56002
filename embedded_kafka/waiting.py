"""Waits for slow steps: shows the step on standard error, and checks for a stop."""

import select
import shutil
import sys
import time

from runtime.stop import Stop

PAUSE_SECONDS = 0.05
SECONDS_BETWEEN_LINES = 10.0
_PATIENCE_SECONDS = 1.0  # with whoever reads standard error


class Stopped(Exception):
    """A stop was asked for while a step was awaited."""


class Waiting:
    """Tells which step is awaited and for how long: one line that moves on a terminal, a few lines elsewhere."""

    def __init__(self, stop: Stop | None = None) -> None:
        self.stop = stop or Stop()
        self._moves = sys.stderr is not None and sys.stderr.isatty()
        self._step = self._line = ""
        self._since = self._told = 0.0

    def pause(self, step: str, detail: str = "") -> None:
        """Wait a moment for a step, such as `Kafka is starting`; one without a name is not told. Raises Stopped."""
        if step != self._step:
            self._begin(step)
        if step:
            self._show(f"{step}: {detail}{', ' if detail else ''}{time.monotonic() - self._since:.0f} s")
        self.stop.wait(PAUSE_SECONDS)
        if self.stop.requested:
            self.done()
            raise Stopped

    def done(self) -> None:
        """Say that the last step is over: what is told next begins on a line of its own."""
        if self._moves and self._line:
            tell("\n")
        self._step = self._line = ""

    def _begin(self, step: str) -> None:
        self.done()
        self._step = step
        self._since = self._told = time.monotonic()
        if step and not self._moves:
            tell(f"{step}\n")

    def _show(self, line: str) -> None:
        if self._moves and line != self._line:
            self._line = line
            tell(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        elif not self._moves and time.monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            tell(f"{line}\n")


def tell(text: str) -> None:
    """Write to standard error. Where nobody reads, the text is lost: whoever waited there would not see a stop."""
    if sys.stderr is not None and select.select((), (sys.stderr,), (), _PATIENCE_SECONDS)[1]:
        sys.stderr.write(text)
        sys.stderr.flush()
