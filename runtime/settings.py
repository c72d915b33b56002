"""Settings: frozen dataclasses, read once from a mapping of names to text, all mistakes reported together.

A settings class is a frozen dataclass whose fields are either `setting(...)` or another settings class:

    @dataclass(frozen=True)
    class PaceSettings:
        per_second: float = setting("PER_SECOND", "10", number_from_0, "how many a second")
"""

import dataclasses
import difflib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from dotenv import dotenv_values
from dotenv.parser import parse_stream

_FILE = Path(".env")
_EXAMPLE = Path(__file__).parents[1] / ".env.example"
_OF_OTHERS = re.compile("COMPOSE_|DOCKER_|BUILDKIT_|PYTHON|FORCE_COLOR$|NO_COLOR$")  # who read the file too

T = TypeVar("T")


class Mistake(NamedTuple):
    """One setting that cannot be used."""

    name: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.name}={self.value!r}: expected {self.expected}"


class InvalidSettings(Exception):
    """Some settings cannot be used; `mistakes` holds every one of them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Setting(NamedTuple):
    """What is known of one setting: `read` turns its text into a value or raises ValueError(what is expected)."""

    name: str
    default: str
    read: Callable[[str], Any]
    explanation: str
    may_be_empty: bool


def setting(
    name: str,
    default: str,
    read: Callable[[str], Any],
    explanation: str,
    *,
    may_be_empty: bool = False,
    is_secret: bool = False,
) -> Any:
    """Declare a dataclass field that is read from the variable `name`; an empty text counts as unset, unless it may be.

    A secret does not stand in the dataclass' repr.
    """
    declared = Setting(name, default, read, explanation, may_be_empty)
    return dataclasses.field(repr=not is_secret, metadata={"setting": declared})


def environment() -> dict[str, str]:
    """Return the process environment over the `.env` file of the working folder. Raises InvalidSettings."""
    return {**env_file(), **os.environ}


def env_file() -> dict[str, str]:
    """Return the settings in the `.env` file of the working folder. Raises InvalidSettings.

    A name without `=` sets nothing.
    """
    try:
        texts = _read_env_file()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
        raise InvalidSettings([Mistake("settings file", str(_FILE), f"a file that can be read: {reason}")]) from error
    return {name: text for name, text in texts.items() if text is not None}


def _read_env_file() -> Mapping[str, str | None]:
    if not os.path.lexists(_FILE):
        return {}
    if not stat.S_ISREG(_FILE.stat().st_mode):
        raise OSError(0, "it is not a file")
    text = _FILE.read_text(encoding="utf-8")
    broken = next((binding.original for binding in parse_stream(StringIO(text)) if binding.error), None)
    if broken is not None:  # dotenv_values leaves such a line out, so its default would hold
        blank_lines = broken.string[: -len(broken.string.lstrip())].count("\n")
        raise OSError(0, f"line {broken.line + blank_lines} is not NAME=value")
    return dotenv_values(stream=StringIO(text))


def unknown_names(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the names that is no setting of any part, and a hint at the setting that may be meant.

    The settings of all parts are known from .env.example, which a checkout has; an image has neither file.
    """
    known = list(dotenv_values(_EXAMPLE))
    for name in names:
        if known and name not in known and not _OF_OTHERS.match(name):
            nearest = difflib.get_close_matches(name, known, 1)
            yield name, f"; did you mean {nearest[0]}?" if nearest else ""


def read_settings(settings_class: type[T], texts: Mapping[str, str]) -> T:
    """Build a settings class from texts by name. Raises InvalidSettings with all mistakes at once."""
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for field in _fields(settings_class):
        try:
            values[field.name] = _read_field(field, texts)
        except InvalidSettings as invalid:
            mistakes.extend(invalid.mistakes)
    if mistakes:
        raise InvalidSettings(mistakes)
    return settings_class(**values)


def all_settings(settings_class: type) -> Iterator[Setting]:
    """Yield every setting of a settings class, nested ones included, in the order of their declaration."""
    for field in _fields(settings_class):
        if "setting" in field.metadata:
            yield field.metadata["setting"]
        else:
            yield from all_settings(cast("type", field.type))


def secrets_in(settings: object) -> Iterator[str]:
    """Yield what the log must not show: the `secrets` of a settings object and of those in it."""
    yield from getattr(settings, "secrets", ())
    for field in _fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from secrets_in(value)


def _fields(settings_class: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(settings_class)


def _read_field(field: dataclasses.Field[Any], texts: Mapping[str, str]) -> Any:
    if "setting" not in field.metadata:
        return read_settings(cast("type", field.type), texts)
    declared: Setting = field.metadata["setting"]
    text = texts.get(declared.name, declared.default)
    if not (text or declared.may_be_empty):
        text = declared.default
    try:
        return declared.read(text)
    except ValueError as expected:
        raise InvalidSettings([Mistake(declared.name, text, str(expected))]) from None
