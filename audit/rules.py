"""Rules as data, as the audit asks them: whether one hits, for which accounts it holds, and what its hit counts."""

import ast
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from math import ceil
from typing import NamedTuple

from audit.interpreter import value_of
from audit.lists import NO_LISTS, ListsAt
from audit.syntax import parsed
from payments.transaction import Transaction

THRESHOLD_RULE = "amount_over_threshold"
_MOST_POINTS = Decimal(1000)
_EVERY_ACCOUNT = 2**64  # as many as there are hashes of 8 bytes
_HASH_BYTES = 8
_ASK_A_ZONE = {"hour", "weekday"}


class Hit(NamedTuple):
    """What a rule that hits is called in the headers, and its points."""

    label: str
    points: Decimal


class DataRule:
    """A rule by its name, with the expressions that are its condition and its points; `share` is in percent.

    `label` is what it is called in the headers.
    """

    def __init__(self, name: str, when: str, points: str, share: str, *, is_candidate: bool = False) -> None:
        self.label = f"{name} (candidate)" if is_candidate else name
        self._name = name
        self._when = when
        self._points = points
        self._below = ceil(Fraction(share) * _EVERY_ACCOUNT / 100)

    @cached_property
    def asks_a_zone(self) -> bool:
        """Whether its answer depends on the hour or the day somewhere."""
        nodes = [node for text in (self._when, self._points) for node in ast.walk(parsed(text))]
        return any(isinstance(node, ast.Name) and node.id in _ASK_A_ZONE for node in nodes)

    def points(self, transaction: Transaction, record_ms: int, lists: ListsAt = NO_LISTS) -> Decimal | None:
        """Return what its hit counts, 0 to 1000; None where it does not hit, or does not hold for the account.

        `record_ms` is the record's timestamp, in ms since the epoch.
        """
        if not self._holds_for(transaction.source):
            return None
        if value_of(self._when, transaction, record_ms, lists) is not True:
            return None
        return _capped(value_of(self._points, transaction, record_ms, lists))

    def _holds_for(self, source: str) -> bool:
        if self._below == _EVERY_ACCOUNT:
            return True
        text = f"{self._name}\0{source}".encode(errors="surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=_HASH_BYTES).digest()) < self._below


class Version(NamedTuple):
    """The rules that hold together, but for those of code; one that is `off` is none of them.

    `has_threshold`: the one that FRAUD_THRESHOLD gives is among them. The hits of those in `shadow` do not count.
    """

    has_threshold: bool = True
    live: Sequence[DataRule] = ()
    shadow: Sequence[DataRule] = ()

    @property
    def asks_a_zone(self) -> bool:
        """Whether a rule of it does."""
        return any(rule.asks_a_zone for rule in (*self.live, *self.shadow))


NO_RULES = Version()


def hits(
    rules: Sequence[DataRule], transaction: Transaction, record_ms: int, lists: ListsAt = NO_LISTS
) -> Sequence[Hit]:
    """Return the hits of these rules, in their order."""
    answers = [(rule, rule.points(transaction, record_ms, lists)) for rule in rules]
    return [Hit(rule.label, points) for rule, points in answers if points is not None]


def _capped(points: object) -> Decimal:
    if isinstance(points, bool) or not isinstance(points, int | Decimal):
        return Decimal(0)
    return min(max(Decimal(points), Decimal(0)), _MOST_POINTS)
