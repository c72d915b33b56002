"""The functions that an expression may call. Nothing here raises, or takes long, whatever a record holds.

Each takes values of any type, and returns None where it has no answer.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Context, Decimal
from typing import Any, NamedTuple

from decision.lists import ListBook
from decision.values import ARITHMETIC, DIGITS, LONGEST_TEXT, NUMBERS, Kind, operand
from payments.fields import exact_amount
from payments.mapping import FieldValue, Path
from payments.transaction import InvalidTransaction, Transaction

_ONE = Decimal(1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_TIME = 100
_MOST_BITS = 200
_EXACT = Context(prec=4 * DIGITS, traps=[])  # holds what two numbers of 50 digits between 1e-50 and 1e51 add up to


def hour(event: datetime | None, zone: tzinfo) -> int | None:
    """Return the hour of the event's time there, 0 to 23."""
    time = _local_time(event, zone)
    return None if time is None else time.hour


def weekday(event: datetime | None, zone: tzinfo) -> int | None:
    """Return the day of the week there, 1 for Monday to 7 for Sunday."""
    time = _local_time(event, zone)
    return None if time is None else time.isoweekday()


def _local_time(event: datetime | None, zone: tzinfo) -> datetime | None:
    try:
        return None if event is None else event.astimezone(zone)
    except OverflowError:
        return None


def event_time(transaction: Transaction, record_ms: int) -> datetime | None:
    """Return when it happened: its own time, in UTC if it names no zone, else its record's, if that has one."""
    text = transaction.timestamp
    try:
        time = datetime.fromisoformat(text if len(text) <= _LONGEST_TIME else "")
    except ValueError:
        return _time_of_record(record_ms)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _time_of_record(record_ms: int) -> datetime | None:
    try:
        return None if record_ms < 0 else _EPOCH + timedelta(milliseconds=record_ms)
    except OverflowError:
        return None


def number(value: object) -> Decimal | None:
    """Return the number that a text of digits stands for; a number as it is."""
    return exact_amount(value, scale=0)


def lower(value: object) -> str | None:
    """Return the text in lower case; a letter may become two."""
    text = value.lower() if type(value) is str else ""
    return text if type(value) is str and len(text) <= LONGEST_TEXT else None


def length(value: object) -> int | None:
    """Return how many characters a text has."""
    return len(value) if type(value) is str else None


def absolute(value: object) -> Decimal | None:
    """Return the number without its sign."""
    size = operand(value)
    return None if size is None else size.copy_abs()


def round_down(value: object, step: object = _ONE) -> Decimal | None:
    """Return the largest multiple of a step, which is over 0, that is not above the number."""
    size, width = operand(value), operand(step)
    if size is None or width is None or width <= 0:
        return None
    rest = ARITHMETIC.remainder(size, width)
    if not rest.is_finite():
        return None
    multiple = _EXACT.subtract(size, rest if rest >= 0 else _EXACT.add(rest, width))
    return ARITHMETIC.plus(multiple)


def starts_with(value: object, beginning: object) -> bool | None:
    """Return whether a text begins so."""
    return value.startswith(beginning) if type(value) is str and type(beginning) is str else None


def ends_with(value: object, end: object) -> bool | None:
    """Return whether a text ends so."""
    return value.endswith(end) if type(value) is str and type(end) is str else None


def first_known(*values: object) -> object:
    """Return the first value that is not None."""
    return next((value for value in values if value is not None), None)


def smallest(*values: Any) -> Decimal | int | None:
    """Return the smallest of numbers, None where one is not a number."""
    return min(values) if all(type(value) in NUMBERS for value in values) else None


def largest(*values: Any) -> Decimal | int | None:
    """Return the largest of numbers, None where one is not a number."""
    return max(values) if all(type(value) in NUMBERS for value in values) else None


def in_list(value: object, name: str, lists: ListBook, transaction: Transaction, record_ms: int) -> bool | None:
    """Return whether a value is in a list, at the time of the event; a list that does not exist is empty."""
    if value is None:
        return None
    found = lists.find(name, value)
    if found is None or found.expires is None:
        return found is not None
    event = event_time(transaction, record_ms)
    return None if event is None else event < found.expires


def load(transaction: Transaction, path: Path) -> FieldValue:
    """Return what a record holds there, None where it is nested too deeply to be read."""
    try:
        value = transaction.glance(path)
    except (RecursionError, InvalidTransaction):  # that is what is raised where the stack ends
        return None
    is_long = type(value) is int and value.bit_length() > _MOST_BITS
    return Decimal(value) if is_long else value  # type: ignore[arg-type] # once, not in each comparison


class Function(NamedTuple):
    """What an expression may call: it `takes` values of these kinds, the first `least` of them at least.

    One that `is_timed` takes a zone, and is called with the event's time and that.
    """

    call: Callable[..., object]
    result: Kind
    takes: Sequence[Kind]
    usage: str
    least: int = 1
    is_timed: bool = False


_NUMBERS = [Kind.NUMBER] * 10
FUNCTIONS: Mapping[str, Function] = {
    "hour": Function(hour, Kind.NUMBER, [Kind.TEXT], '("Europe/Berlin")', is_timed=True),
    "weekday": Function(weekday, Kind.NUMBER, [Kind.TEXT], '("Europe/Berlin")', is_timed=True),
    "number": Function(number, Kind.NUMBER, [Kind.ANY], "(value)"),
    "lower": Function(lower, Kind.TEXT, [Kind.TEXT], "(text)"),
    "length": Function(length, Kind.NUMBER, [Kind.TEXT], "(text)"),
    "absolute": Function(absolute, Kind.NUMBER, [Kind.NUMBER], "(number)"),
    "round_down": Function(round_down, Kind.NUMBER, [Kind.NUMBER] * 2, "(number) or (number, step)"),
    "starts_with": Function(starts_with, Kind.CONDITION, [Kind.TEXT] * 2, "(text, beginning)", least=2),
    "ends_with": Function(ends_with, Kind.CONDITION, [Kind.TEXT] * 2, "(text, end)", least=2),
    "first_known": Function(first_known, Kind.ANY, [Kind.ANY] * 10, "(value, value, ...) of 2 to 10", least=2),
    "smallest": Function(smallest, Kind.NUMBER, _NUMBERS, "(number, number, ...) of 2 to 10", least=2),
    "largest": Function(largest, Kind.NUMBER, _NUMBERS, "(number, number, ...) of 2 to 10", least=2),
}
