"""Reads transactions from the values of records, by a mapping.

A decoder takes just the fields that are mapped, and those for which rules have asked; others cost nothing. A record
that is not as the decoder expects, valid or not, is read once more, field by field.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol

from msgspec.structs import force_setattr

from payments.decoded import Asked, DecodedTransaction
from payments.decoder import UNEXPECTED, build_decoder, can_be_decoded
from payments.document import TOO_DEEP, Opened, read_document, unframed
from payments.fields import EXACT, exact_amount, has_numbers, read_field
from payments.mapping import FIELDS, FieldMapping, Path
from payments.timestamps import end_of_time
from payments.transaction import InvalidTransaction, Transaction

_ZERO = Decimal(0)
_ONE = Decimal(1)
_product = EXACT.multiply
_NUMBERS = (int, Decimal)
_IDENTITIES = ("id", "source", "target")
_MOST_WANTED = 50


class Placed(Protocol):
    """Where a record is."""

    @property
    def topic(self) -> str:
        """Its topic."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """Its offset in that."""


class TransactionReader:
    """Reads transactions; `keeps_json` so that they can be asked for more than the mapped fields.

    What is `wanted` is decoded with the mapped fields from the first transaction on, see decoder.
    """

    def __init__(self, mapping: FieldMapping, *, wanted: Iterable[Path] = (), keeps_json: bool = True) -> None:
        self._mapping = mapping
        self._keeps_json = keeps_json
        self._lacks_id = mapping.id is None
        self._unit = _ONE.scaleb(-mapping.amount_scale)
        self._end_of_time = end_of_time(mapping.timestamp_unit)
        optional = {"currency": "currency", "timestamp": "written_time"}
        self._may_be_null = [attribute for name, attribute in optional.items() if not mapping.is_required(name)]
        self._wanted = dict.fromkeys(islice(filter(can_be_decoded, dict.fromkeys(wanted)), _MOST_WANTED))
        self._has_numbers = False  # for accounts or ids, so far
        self._converts = bool(mapping.amount_scale)
        constants = {"timestamp_unit": mapping.timestamp_unit, "asked": Asked({}, self._want)}
        self._read: Any = type(Transaction.__name__, (DecodedTransaction,), constants)
        self._build()

    def read(self, value: bytes | None, place: Placed | None = None) -> Transaction:
        """Read the value of a record, which is at a place. Raises InvalidTransaction where it is not a transaction.

        Where no id is mapped it is topic-partition-offset, or "" without a place.
        """
        if not value:
            raise InvalidTransaction("no value")
        if not value[0]:
            value = unframed(value)
        try:
            if not value.isascii():
                value.decode()  # msgspec does not look into the text of fields that it skips
            read = self._decode(value)
        except UNEXPECTED:
            read = self._read_by_field(value)
        else:
            amount = read.amount
            is_read = type(amount) is Decimal and amount >= _ZERO and type(read.written_time) is str
            if (self._converts or not is_read or read.currency is None) and not self._convert(read):
                read = self._read_by_field(value)
        if self._keeps_json:
            force_setattr(read, "json", value)
        if self._lacks_id and place is not None:
            force_setattr(read, "id", f"{place.topic}-{place.partition}-{place.offset}")
        return read

    def _convert(self, read: DecodedTransaction) -> bool:
        """Convert what was decoded as another type than a transaction has; return False where it cannot be."""
        written: Any = read.amount
        amount = (
            _product(written, self._unit) if type(written) is int else exact_amount(written, self._mapping.amount_scale)
        )
        if amount is None or amount < _ZERO:
            return False
        force_setattr(read, "amount", amount)
        if self._has_numbers:
            for name in _IDENTITIES:
                force_setattr(read, name, str(getattr(read, name)))
        for attribute in self._may_be_null:
            if getattr(read, attribute) is None:
                force_setattr(read, attribute, "")
        time: Any = read.written_time
        return type(time) is str or (type(time) in _NUMBERS and 0 <= time < self._end_of_time)

    def _read_by_field(self, value: bytes) -> DecodedTransaction:
        try:
            document = read_document(value)
            read: DecodedTransaction = self._read(*(read_field(document, self._mapping, name) for name in FIELDS))
        except RecursionError:  # its limit depends on who calls, so that one part may be read and the next one not
            raise InvalidTransaction(TOO_DEEP) from None
        if self._keeps_json:
            force_setattr(read, "opened", Opened(document))
        if not self._has_numbers and has_numbers(document, self._mapping):
            self._has_numbers = self._converts = True
            self._build()
        return read

    def _want(self, path: Path) -> None:
        """Decode a field with the mapped ones from now on."""
        if len(self._wanted) < _MOST_WANTED and path not in self._wanted and can_be_decoded(path):
            self._wanted[path] = None
            self._build()

    def _build(self) -> None:
        self._decode = build_decoder(self._mapping, self._wanted, self._want, accept_numbers=self._has_numbers)
