"""Writes transactions as the values of records, by a mapping."""

from collections.abc import Mapping
from typing import Any

import msgspec

from payments.fields import EXACT
from payments.mapping import FieldMapping
from payments.transaction import Transaction

_encode = msgspec.json.Encoder(decimal_format="number").encode
_Tree = dict[str, "str | _Tree"]  # the name of a transaction's field, or an object


class TransactionWriter:
    """Writes JSON in UTF-8; an amount is a number with the digits that it has."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._scale = mapping.amount_scale
        self._tree: _Tree = {}
        for name, (*steps, last) in mapping.paths.items():
            branch: Any = self._tree
            for step in steps:
                branch = branch.setdefault(step, {})
            branch[last] = name

    def write(self, transaction: Transaction) -> bytes:
        """Return a record's value."""
        amount = transaction.amount.scaleb(self._scale, EXACT) if self._scale else transaction.amount
        fields = {
            "id": transaction.id,
            "source": transaction.source,
            "target": transaction.target,
            "amount": amount,
            "currency": transaction.currency,
            "timestamp": transaction.written_time,
        }
        return _encode(_filled(self._tree, fields))


def _filled(tree: _Tree, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        step: fields[branch] if isinstance(branch, str) else _filled(branch, fields) for step, branch in tree.items()
    }
