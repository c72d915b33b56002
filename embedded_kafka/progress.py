"""Show how far a long job is: one line that updates on a terminal, a few lines elsewhere."""

from types import TracebackType
from typing import Self, TextIO

LINES_ELSEWHERE = 4


class Progress:
    """Counts up to `total` and writes `label: done of total` to `stream`."""

    def __init__(self, label: str, total: int, stream: TextIO) -> None:
        self._label = label
        self._total = total
        self._stream = stream
        self._done = 0

    def __enter__(self) -> Self:
        self._show()
        return self

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        self._show()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream.isatty():
            self._stream.write("\n")

    def _show(self) -> None:
        text = f"{self._label}: {self._done} of {self._total}"
        if self._stream.isatty():
            self._stream.write(f"\r{text}")
            self._stream.flush()
        elif self._done % -(-self._total // LINES_ELSEWHERE) == 0 or self._done == self._total:
            self._stream.write(f"{text}\n")
            self._stream.flush()
