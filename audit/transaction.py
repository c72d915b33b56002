"""A transaction as the audit has read it, and what rules may ask of it."""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from typing import Any

from payments.mapping import FieldValue, Path, WrittenTime
from payments.transaction import Transaction

_MOST_DIGITS = 4300  # of a whole number that a rule is given
_MOST_SEEN = 256  # characters of a text or a number that an expression looks at
WHOLE_NUMBER = re.compile(r"-?[0-9]+", re.ASCII)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UNIT_BY_DIGITS = ("s", 11), ("ms", 14), ("us", 17), ("ns", 100)
YEAR_10000 = 253_402_300_800
_ROUNDS_DOWN = Context(prec=60, rounding=ROUND_DOWN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditedTransaction(Transaction, frozen=True, gc=False):
    """What a rule is asked about: read by the audit, but of the detector's shape."""

    json: Any = None
    unit: str = "auto"

    @property
    def timestamp(self) -> str:
        """The time, see Transaction."""
        return _rfc3339(self.written_time, self.unit)

    def field(self, name: str, *within: str) -> FieldValue:
        """Return what the record holds there, see Transaction."""
        path = (name, *within)
        hash(path)  # raises for what is no name, as the detector does
        return plain(find(self.json, path))

    def glance(self, path: Path) -> FieldValue:
        """Return what an expression sees there, see Transaction."""
        found = find(self.json, path)
        if isinstance(found, list):
            return {} if isinstance(found, Object) else []
        return None if isinstance(found, str) and len(found) > _MOST_SEEN else plain(found)


AuditedTransaction.__name__ = Transaction.__name__  # as the detector's, where a rule is wrong


class Number(str):
    """A JSON number as it is written."""

    __slots__ = ()


class Object(list[tuple[str, Any]]):
    """A JSON object as it is written: a name may be there several times."""

    __slots__ = ()


def find(found: Any, path: Path) -> Any:
    """Return what is in a field, None where there is none; of several with one name the last counts."""
    for step in path:
        found = dict(found).get(step) if isinstance(found, Object) else None
    return found


def _rfc3339(written: WrittenTime, unit: str) -> str:
    if isinstance(written, str):
        is_number = unit != "auto" and re.fullmatch("[0-9]{1,21}", written)
        if not is_number or int(written) >= YEAR_10000 * PER_SECOND[unit]:
            return written
        number = Decimal(written)
    else:
        number = Decimal(written)
    if unit == "auto":
        unit = next(name for name, digits in _UNIT_BY_DIGITS if number < 10**digits)
    milliseconds = int(_ROUNDS_DOWN.divide(_ROUNDS_DOWN.multiply(number, 1000), PER_SECOND[unit]))
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[:-6] + "Z"


def plain(found: Any) -> FieldValue:
    """Return what a rule is given for what is in a field."""
    if isinstance(found, Object):
        return {name: plain(inner) for name, inner in found}
    if isinstance(found, list):
        return [plain(inner) for inner in found]
    if not isinstance(found, Number):
        return found  # type: ignore[no-any-return]
    if WHOLE_NUMBER.fullmatch(found):
        return int(Decimal(found)) if len(found.lstrip("-")) <= _MOST_DIGITS else None
    try:
        return Decimal(found)
    except InvalidOperation:
        return None
