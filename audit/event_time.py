"""When a transaction happened, and which time that was in a time zone."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from payments.transaction import Transaction

_MOST_CHARACTERS = 100  # of a time
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(zone: str, transaction: Transaction, record_ms: int) -> datetime | None:
    """Return when it happened, as it was there; None where that is not known, or in none of the years 1 to 9999.

    `record_ms` is its record's timestamp, in ms since the epoch.
    """
    with suppress(OverflowError):
        time = event_time(transaction, record_ms)
        return None if time is None else time.astimezone(_zone(zone))
    return None


def event_time(transaction: Transaction, record_ms: int) -> datetime | None:
    """Return the transaction's own time, or its record's; None where neither is known, or in the years 1 to 9999."""
    text = transaction.timestamp
    try:
        time = datetime.fromisoformat(text if len(text) <= _MOST_CHARACTERS else "too long")
    except ValueError:
        return _time_of_record(record_ms)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _time_of_record(record_ms: int) -> datetime | None:
    with suppress(OverflowError):
        return None if record_ms < 0 else _EPOCH + timedelta(milliseconds=record_ms)
    return None


@lru_cache
def _zone(name: str) -> ZoneInfo:
    with (files("tzdata") / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file)
