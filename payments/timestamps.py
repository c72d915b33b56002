"""Times that are numbers since 1970, in seconds, ms, us or ns."""

from datetime import UTC, datetime
from decimal import MAX_EMAX, MIN_EMIN, ROUND_DOWN, Context, Decimal
from typing import TypeGuard

from payments.mapping import AUTO, PER_SECOND, WrittenTime

_END_SECONDS = 253_402_300_800  # the year 10000
_MOST_DIGITS = 21  # of a number that is text, leading zeros included: as many as nanoseconds need
_DECIMALS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_LEAST = {"ns": 10**17, "us": 10**14, "ms": 10**11}  # of a number whose unit is not known; seconds until the year 5138
_MILLISECONDS = Context(prec=40, rounding=ROUND_DOWN, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # what is too small is 0


def is_time(written: object, unit: str) -> TypeGuard[WrittenTime]:
    """Tell whether it is text, or a number from 1970 to 9999."""
    if type(written) is int or type(written) is Decimal:
        return 0 <= written < end_of_time(unit)
    return type(written) is str


def end_of_time(unit: str) -> int:
    """Return the first number that is too large for a time in this unit."""
    return _END_SECONDS * PER_SECOND["ns" if unit == AUTO else unit]


def as_rfc3339(written: WrittenTime, unit: str) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds, rounded down; text as it is.

    Text is taken for a number where the unit is known and it consists of digits, of at most 21.
    """
    if isinstance(written, str):
        if unit == AUTO or len(written) > _MOST_DIGITS or not (written.isascii() and written.isdigit()):
            return written
        text, written = written, int(written)
        if written >= end_of_time(unit):
            return text
    milliseconds = _milliseconds(written, _unit_of(written) if unit == AUTO else unit)
    time = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _unit_of(number: int | Decimal) -> str:
    return next((unit for unit, least in _LEAST.items() if number >= least), "s")


def _milliseconds(number: int | Decimal, unit: str) -> int:
    return int(Decimal(number).scaleb(3 - _DECIMALS[unit], _MILLISECONDS))
