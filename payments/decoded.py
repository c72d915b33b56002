"""A transaction that a decoder has read, and what rules ask of it besides the mapped fields."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec.structs import force_setattr

from payments.document import Opened, glance_at, read_document, value_of
from payments.mapping import FieldValue, Path
from payments.transaction import Transaction

NULL = msgspec.Raw(b"null")  # what a decoder has in the place of a field that is not there


class Asked(NamedTuple):
    """What rules have asked for: `getters` of the fields that are decoded; `want` is called with any other path."""

    getters: Mapping[Path, Callable[[Any], msgspec.Raw]]
    want: Callable[[Path], None]


class DecodedTransaction(Transaction, frozen=True, gc=False):
    """A transaction and the JSON that it was read from. What a rule asks for is decoded with the next ones.

    That holds for the first paths, see reading, but for those that lead to a mapped field, and through or from another
    one: for these the JSON is parsed again, once.
    """

    json: Any = b""
    wire: Any = None
    opened: Any = None

    asked: ClassVar["Asked"]

    def field(self, name: str, *within: str) -> FieldValue:
        """Return what the record holds there: see Transaction."""
        written = self._written((name, *within))
        return None if written is None else value_of(written)

    def glance(self, path: Path) -> FieldValue:
        """Return what an expression sees of a field: see Transaction."""
        written = self._written(path)
        return None if written is None or written is NULL else glance_at(written)

    def _written(self, path: Path) -> msgspec.Raw | None:
        get = self.asked.getters.get(path)
        if get is None:
            self.asked.want(path)
            return self._opened().find(path)
        try:
            return get(self)
        except AttributeError:  # the object around it is missing
            return None

    def _opened(self) -> Opened:
        if self.opened is None:
            force_setattr(self, "opened", Opened(read_document(self.json)))
        opened: Opened = self.opened
        return opened
