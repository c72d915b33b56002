"""Standard output and standard error that never raise: not without a reader, on a full disk, or closed.

A log line, or a `print` in a user's rule, must not fail because it cannot be written.
"""

import io
import os
import select
import sys
from collections.abc import Callable

OUTPUT, ERRORS = 1, 2
_MOST_PENDING_CHARACTERS = 8_192


class Output(io.TextIOBase):
    """A text stream that writes each line whole and at once, and tells what goes wrong instead of raising it.

    `on_gone` is called when nobody reads any more, `on_failure` when a line could not be written for another reason;
    `is_writing` while the reader, or the disk, is waited for.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, on_gone: Callable[[], None], on_failure: Callable[[OSError], None]) -> None:
        self._descriptor = descriptor
        self._on_gone = on_gone
        self._on_failure = on_failure
        self._pending = ""
        self.is_writing = False

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Write the whole lines of the text, and the rest with the next one or when flushed."""
        if text.endswith("\n"):
            lines, self._pending = self._pending + text, ""
        else:
            lines, newline, self._pending = (self._pending + text).rpartition("\n")
            lines += newline
        if lines:
            self._write(lines)
        if len(self._pending) > _MOST_PENDING_CHARACTERS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Write what is left of a line."""
        text, self._pending = self._pending, ""
        if text:
            self._write(text)

    def _write(self, text: str) -> None:
        self.is_writing = True
        try:
            _write_all(self._descriptor, text.encode(errors="backslashreplace"))
        except BrokenPipeError:
            self._on_gone()
        except OSError as error:
            self._on_failure(error)
        self.is_writing = False


class Complaint:
    """Says on standard error, once, that standard output cannot be written."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_made = False

    def __call__(self, error: OSError) -> None:
        """Say it."""
        if not self._is_made:
            self._is_made = True
            said = f"{self._name}: the log cannot be written: {error.strerror}; continuing without it\n"
            standard_error().write(said)


def open_outputs(name: str, on_gone: Callable[[], None]) -> Output:
    """Replace sys.stdout and sys.stderr, and return an output for the log, which nobody else's half a line gets into.

    Call it before anything else is opened, which would take a closed one's place.
    """
    was_closed = sys.stdout is None
    for descriptor in (0, OUTPUT, ERRORS):
        _keep_open(descriptor)
    complain = Complaint(name)
    sys.stdout = Output(OUTPUT, on_gone, complain)
    sys.stderr = standard_error()
    if was_closed:
        complain(OSError(0, "it is closed"))
    return Output(OUTPUT, on_gone, complain)


def standard_error() -> Output:
    """Return a stream to standard error, where there is nobody left to tell of what goes wrong."""
    return Output(ERRORS, _say_nothing, _say_nothing)


def _keep_open(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # the lowest that is free


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # whoever shares it has made it so
            select.select((), (descriptor,), ())


def _say_nothing(_: object = None) -> None:
    """Take it as it is."""
