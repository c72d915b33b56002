"""Reads transactions from the values of records, by a mapping.

A decoder takes just the fields that are mapped, and those for which rules have asked; others cost nothing. A record
that is not as the decoder expects, valid or not, is read once more, field by field.
"""

from decimal import Decimal
from typing import Any, Protocol

from msgspec.structs import force_setattr

from payments.decoder import UNEXPECTED, Asked, DecodedTransaction, build_decoder, can_be_decoded
from payments.document import FRAME, read_document, unframed
from payments.fields import exact_amount, read_fields
from payments.mapping import FieldMapping, Path
from payments.timestamps import is_time
from payments.transaction import InvalidTransaction, Transaction

_ZERO = Decimal(0)
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
    """Reads transactions; `keeps_json` so that they can be asked for more than the mapped fields."""

    def __init__(self, mapping: FieldMapping, *, keeps_json: bool = True) -> None:
        self._mapping = mapping
        self._keeps_json = keeps_json
        self._wanted: list[Path] = []
        constants = {"timestamp_unit": mapping.timestamp_unit, "asked": Asked({}, self._want)}
        self._read_by_field: Any = type(Transaction.__name__, (DecodedTransaction,), constants)
        self._decode = build_decoder(mapping, (), self._want)

    def read(self, value: bytes | None, place: Placed | None = None) -> Transaction:
        """Read the value of a record, which is at a place. Raises InvalidTransaction where it is not a transaction.

        Where no id is mapped it is topic-partition-offset, or "" without a place.
        """
        if value is None:
            raise InvalidTransaction("no value")
        if value[:1] == FRAME:
            value = unframed(value)
        transaction = self._quickly(value) or self._by_field(value)
        if self._keeps_json:
            force_setattr(transaction, "json", value)
        if place is not None and self._mapping.id is None:
            force_setattr(transaction, "id", f"{place.topic}-{place.partition}-{place.offset}")
        return transaction

    def _quickly(self, value: bytes) -> DecodedTransaction | None:
        """Read what is as the decoder expects it, else return None."""
        try:
            if not value.isascii():
                value.decode()  # msgspec does not look into the text of fields that it skips
            decoded = self._decode(value)
        except UNEXPECTED:
            return None
        amount: Any = decoded.amount
        if type(amount) is not Decimal or self._mapping.amount_scale:
            amount = exact_amount(amount, self._mapping.amount_scale)
            force_setattr(decoded, "amount", amount)
        if type(decoded.id) is not str:
            force_setattr(decoded, "id", str(decoded.id))
        if type(decoded.source) is not str:
            force_setattr(decoded, "source", str(decoded.source))
        if type(decoded.target) is not str:
            force_setattr(decoded, "target", str(decoded.target))
        written = decoded.written_time
        if (
            amount is None
            or amount < _ZERO
            or not (type(written) is str or is_time(written, self._mapping.timestamp_unit))
        ):
            return None
        return decoded

    def _by_field(self, value: bytes) -> DecodedTransaction:
        read: DecodedTransaction = self._read_by_field(*read_fields(read_document(value), self._mapping))
        return read

    def _want(self, path: Path) -> None:
        """Decode a field with the mapped ones from now on."""
        if path not in self._wanted and len(self._wanted) < _MOST_WANTED and can_be_decoded(path):
            self._wanted.append(path)
            self._decode = build_decoder(self._mapping, self._wanted, self._want)
