"""The log, which is the services' user interface: one line an event, as text or as JSON, to standard output.

A log call may carry `extra={"label": ..., "emphasis": ..., "fields": {...}}`: the label stands where the level would,
the emphasis is the part of the message that shares its colour, the fields are the event's data in the JSON format.
"""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from runtime.output import Output
from runtime.parsing import one_of
from runtime.redaction import redacted
from runtime.settings import setting
from runtime.timing import rfc3339

_LEVELS = ("debug", "info", "warning", "error")
_COLORS = {"FRAUD": "\x1b[1;31m", "WARNING": "\x1b[33m", "ERROR": "\x1b[1;31m"}
_RESET = "\x1b[0m"
_LABEL_WIDTH = 7
_MOST_CHARACTERS = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogSettings:
    """What the log shows, and how."""

    level: str = setting("LOG_LEVEL", "info", partial(one_of, _LEVELS), "debug, info, warning or error")
    format: str = setting("LOG_FORMAT", "text", partial(one_of, ("text", "json")), "text or json (one object a line)")
    transactions: str = setting(
        "LOG_TRANSACTIONS",
        "all",
        partial(one_of, ("all", "fraud", "none")),
        "which transactions are logged one by one: all, fraud or none; the summary stays",
    )


class TextFormat:
    """Formats a log record as `time LABEL message`, where colour is wanted with the label and the emphasis in it."""

    def __init__(self, *, colored: bool) -> None:
        self._colored = colored

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        label = getattr(record, "label", record.levelname)
        message = redacted(record.getMessage())
        if self._colored and label in _COLORS:
            emphasis = getattr(record, "emphasis", "")
            message = message.replace(emphasis, _in_color(label, emphasis), 1) if emphasis else message
            label = _in_color(label, label) + " " * (_LABEL_WIDTH - len(label))
        return f"{rfc3339(int(record.created * 1000))} {label:<{_LABEL_WIDTH}} {message}"


class JsonFormat:
    """Formats a log record as one JSON object: time, level, service, message and the event's own fields."""

    def __init__(self, service: str) -> None:
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        event: dict[str, Any] = {
            "time": rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "service": self._service,
            "message": redacted(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        return msgspec.json.encode(event).decode()


def configure_logging(settings: LogSettings, service: str, output: Output) -> Callable[[str], str]:
    """Send the process's log to the output; return a function that makes a line of a warning without logging's lock."""
    handler = logging.StreamHandler(output)
    is_colored = _is_colored(is_terminal=output.isatty())
    formatter: Any = JsonFormat(service) if settings.format == "json" else TextFormat(colored=is_colored)
    handler.setFormatter(formatter)
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False  # what a library says wrongly is not worth a traceback
    sys.unraisablehook = _log_unraisable
    return partial(_warning_line, formatter)


def printable(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return foreign text in a form that cannot break or colour a log line: escaped, and cut to `most` characters."""
    if len(text) > most:
        text = text[:most] + "…"
    return text if text.isprintable() else ascii(text)[1:-1]


def _warning_line(formatter: Any, message: str) -> str:
    record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, (), None)
    return str(formatter.format(record))


def _in_color(label: str, text: str) -> str:
    return f"{_COLORS[label]}{text}{_RESET}"


def _log_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Tell of what was raised where nobody can catch it, such as a library's destructor, without a traceback."""
    logger.debug("%s: %s", unraisable.err_msg or "unraisable", unraisable.exc_value)


def _is_colored(*, is_terminal: bool) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal
