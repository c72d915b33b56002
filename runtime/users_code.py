"""Loads a user's code, and describes its exceptions, which may be of any kind, and raise another while described."""

import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

# As Python itself has them, whatever a class of the user's has in their place.
_TRACEBACK: Any = BaseException.__dict__["__traceback__"]
_NAME: Any = type.__dict__["__name__"]
_DIGEST_BYTES = 16
_EXPECTED = "module:function, or several, comma-separated"


def named_functions(text: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the name and the function of each module:function in a text. Raises ValueError(what is expected)."""
    for name in filter(None, map(str.strip, text.split(","))):
        try:
            found = pkgutil.resolve_name(name)
        except BaseException as error:  # a module of the user's, which runs when it is imported
            raise ValueError(f"{_EXPECTED}; {name}: {described(error)}") from error
        if not callable(found):
            raise ValueError(f"{_EXPECTED}; {name} is not a function")  # noqa: TRY004 - as the reader of a setting says it
        yield name.rpartition(":")[2], found


def described(error: BaseException) -> str:
    """Return in one line of valid text what kind of exception it is and what it says; never raises."""
    try:
        lines = traceback.format_exception_only(error)
    except BaseException:  # noqa: BLE001 - it is the user's own, and fails even at that
        return kind_of(error)
    return in_utf_8(" ".join(line.strip() for line in lines))


def line_of(error: BaseException) -> str:
    """Return ` (file:line)`: where the user's function that was called was when it raised; "" where that is unknown."""
    raised = _TRACEBACK.__get__(error)
    raised = raised and raised.tb_next
    if raised is None:
        return ""
    return in_utf_8(f" ({Path(raised.tb_frame.f_code.co_filename).name}:{raised.tb_lineno})")


def kind_of(value: object) -> str:
    """Return the name of its type, whatever that makes of being asked."""
    return str(_NAME.__get__(type(value)))


def file_digest(function: Callable[..., Any]) -> str:
    """Return a hash of the file that a function of the user's is in, "" where that is not known; never raises."""
    try:
        file = sys.modules[function.__module__].__file__
        return blake2b(Path(str(file)).read_bytes(), digest_size=_DIGEST_BYTES).hexdigest()
    except BaseException:  # noqa: BLE001 - it is the user's own, and may be anything that can be called
        return ""


def in_utf_8(text: str) -> str:
    """Return the text with what UTF-8 cannot hold spelled out."""
    return text.encode(errors="backslashreplace").decode()
