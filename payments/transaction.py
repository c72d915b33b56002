"""A transaction of money: what it holds."""

from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

from payments.mapping import AUTO, FIELDS, FieldValue, Path, WrittenTime
from payments.timestamps import as_rfc3339

LONGEST_SEEN = 256


class InvalidTransaction(Exception):
    """The bytes are not a transaction; the message says why."""


class Transaction(Struct, frozen=True, gc=False):
    """One payment from the account `source` to the account `target`.

    `amount` is exact, finite and not negative, in units of `currency`. `currency` is "" where there is none, and so is
    `written_time`: text, or a number since 1970.
    """

    id: str
    source: str
    target: str
    amount: Decimal
    currency: str = ""
    written_time: WrittenTime = ""

    timestamp_unit: ClassVar[str] = AUTO

    def __hash__(self) -> int:
        return hash((self.id, self.source, self.target, self.amount))

    def __repr__(self) -> str:
        return f"Transaction({', '.join(f'{name}={getattr(self, name)!r}' for name in FIELDS)})"

    @property
    def timestamp(self) -> str:
        """The time: text as it was written, a number as RFC 3339 in UTC with milliseconds."""
        return as_rfc3339(self.written_time, self.timestamp_unit)

    def field(self, name: str, *within: str) -> FieldValue:
        """Return what the record holds besides: `field("country")`, or `field("device", "ip")` for a nested field.

        A number is an int, or a Decimal where it is written with a point or an exponent; an object is a dict, an array
        a list, which the caller may change. None where there is no such field, where it is null, or a number of more
        than 4,300 digits, or with an exponent of more than 18 digits. The names may hold any character.
        """
        raise NotImplementedError(name, *within)

    def glance(self, path: Path) -> FieldValue:
        """Return what an expression sees of a field, which takes no longer for a long one.

        That is as `field` has it, but an array or an object is an empty one, and a text of more than 256 characters is
        None, as is a number that is written in more than 256.
        """
        raise NotImplementedError(path)
