"""Readers of a setting's text: each returns the value or raises ValueError(what is expected instead)."""

import os
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast

_MOST_DIGITS = 1_000


def optional_text(text: str) -> str | None:
    """Return the text, or None where it is empty."""
    return text or None


def writable_file(text: str) -> str | None:
    """Return the path of a file that can be written, now or when it is made, or None where the text is empty."""
    if not text:
        return None
    try:
        problem = _problem_with_file(Path(text).absolute())
    except OSError as error:
        problem = f"a file that can be created: {error.strerror}"
    if problem:
        raise ValueError(problem)
    return text


def _problem_with_file(path: Path) -> str | None:
    if path.is_dir() or not path.parent.is_dir():
        return "a file in an existing folder"
    return None if os.access(path if path.exists() else path.parent, os.W_OK) else "a writable file"


def one_of(choices: Sequence[str], text: str) -> str:
    """Return the text in lower case where it is one of the choices."""
    if text.lower() not in choices:
        raise ValueError("one of " + ", ".join(choices))
    return text.lower()


def whole_number(minimum: int, maximum: int, text: str) -> int:
    """Return a whole number from minimum to maximum."""
    expected = f"a whole number from {minimum} to {maximum}"
    try:
        number = int(text)
    except ValueError:
        raise ValueError(expected) from None
    if not minimum <= number <= maximum:
        raise ValueError(expected)
    return number


def optional_whole_number(text: str) -> int | None:
    """Return a whole number of any size, or None where the text is empty."""
    try:
        return int(text) if text else None
    except ValueError:
        message = "a whole number, or nothing"
        raise ValueError(message) from None


def number_from_zero(text: str) -> Decimal:
    """Return a finite decimal number, zero or above, exactly as written."""
    expected = "a number, 0 or above"
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(expected) from None
    if not number.is_finite() or number < 0:
        raise ValueError(expected)
    if number.adjusted() > _MOST_DIGITS or cast("int", number.as_tuple().exponent) < -_MOST_DIGITS:
        raise ValueError(f"{expected}, of at most {_MOST_DIGITS:,} digits before and after the point")
    return number
