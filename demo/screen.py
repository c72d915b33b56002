"""What the demo shows: the lines of its services, each whole, on its own standard output and standard error."""

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from runtime.output import OUTPUT, Output, standard_error
from runtime.stop import Stop

# On a terminal the demo leaves the date out of a service's line: with it, a fraud would not fit in 120 columns.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d\.\d{3})Z ")
_COLORS = {"generator": "\x1b[36m", "detector": "\x1b[35m"}
_RESET = "\x1b[0m"
_WIDTH = max(map(len, _COLORS))


@dataclass(frozen=True)
class Look:
    """How a service's line is shown: as JSON, which stays as it is, or behind its name; in colour; with the date."""

    is_json: bool
    has_color: bool
    has_date: bool

    def named(self, service: str, line: str) -> str:
        """Return a line of text as it is shown."""
        name = f"{service:<{_WIDTH}} | "
        shown = line if self.has_date else _TIME.sub(r"\1 ", line, count=1)
        return f"{_COLORS[service]}{name}{_RESET}{shown}" if self.has_color else f"{name}{shown}"


def chosen_look(settings: Mapping[str, str]) -> Look:
    """Return the look that the settings and the kind of output ask for."""
    is_terminal = os.isatty(OUTPUT)
    wants_color = is_terminal or bool(settings.get("FORCE_COLOR"))
    return Look(
        is_json=settings.get("LOG_FORMAT", "").lower() == "json",
        has_color=wants_color and not settings.get("NO_COLOR"),
        has_date=not is_terminal,
    )


class Screen:
    """Takes lines of several services at a time. Asks for a stop when standard output has no reader or fails."""

    def __init__(self, look: Look, stop: Stop) -> None:
        self.look = look
        self.failure: OSError | None = None
        self._stop = stop
        self._output = Output(OUTPUT, stop.request, self._fail)
        self._errors = standard_error()
        self._lock = threading.Lock()

    def show(self, service: str, line: str) -> None:
        """Show what a service has written to its standard output; of JSON only what is JSON."""
        if not self.look.is_json:
            self._write(self._output, self.look.named(service, line))
        elif line.startswith("{") and line.endswith("}\n"):
            self._write(self._output, line)
        else:
            self.show_error(service, line)

    def show_error(self, service: str, line: str) -> None:
        """Show what a service has written to its standard error."""
        self._write(self._errors, self.look.named(service, line))

    def _write(self, output: Output, line: str) -> None:
        with self._lock:
            output.write(line if line.endswith("\n") else f"{line}\n")

    def _fail(self, error: OSError) -> None:
        self.failure = error
        self._stop.request()
