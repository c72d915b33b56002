"""Rules as data, as the audit asks them: whether one hits, for which accounts it holds, and what its hit counts."""

from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction
from functools import cached_property, reduce
from hashlib import blake2b
from math import ceil
from typing import NamedTuple

from audit.interpreter import value_of
from payments.transaction import Transaction

Hits = dict["DataRule", Decimal]  # the points of each rule that hits

THRESHOLD_RULE = "amount_over_threshold"
_FRAUD_POINTS = 100
_MOST_POINTS = Decimal(1000)
_EVERY_ACCOUNT = 2**64  # as many as there are hashes of 8 bytes
_HASH_BYTES = 8
_CONTEXT = Context(prec=50)


class DataRule:
    """A rule by its name, with the expressions that are its condition and its points; `share` is in percent.

    It is the same only as itself, so that one may look up quickly what it has answered.
    """

    def __init__(self, name: str, when: str, points: str, share: str) -> None:
        self.name = name
        self._when = when
        self._points = points
        self._below = ceil(Fraction(share) * _EVERY_ACCOUNT / 100)

    def points(self, transaction: Transaction, record_ms: int) -> Decimal | None:
        """Return what its hit counts, 0 to 1000; None where it does not hit, or does not hold for the account.

        `record_ms` is the record's timestamp, in ms since the epoch.
        """
        if not self._holds_for(transaction.source) or value_of(self._when, transaction, record_ms) is not True:
            return None
        return _capped(value_of(self._points, transaction, record_ms))

    def _holds_for(self, source: str) -> bool:
        if self._below == _EVERY_ACCOUNT:
            return True
        text = f"{self.name}\0{source}".encode(errors="surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=_HASH_BYTES).digest()) < self._below


class Version(NamedTuple):
    """The rules that hold together, but for those of code; one that is `off` is none of them.

    `has_threshold`: the one that FRAUD_THRESHOLD gives is among them. The hits of those in `shadow` do not count.
    """

    has_threshold: bool
    live: tuple[DataRule, ...] = ()
    shadow: tuple[DataRule, ...] = ()

    def is_fraud(self, hits: Hits, *, is_over: bool) -> bool:
        """Tell whether the points reach 100; `is_over`: the amount is over FRAUD_THRESHOLD."""
        if is_over and self.has_threshold:
            return True
        points = [hits[rule] for rule in self.live if rule in hits]
        return reduce(_CONTEXT.add, points, Decimal(0)) >= _FRAUD_POINTS

    def reasons(self, hits: Hits, *, is_over: bool) -> list[str]:
        """Return the names of the live rules that hit."""
        threshold = [THRESHOLD_RULE] if is_over and self.has_threshold else []
        return threshold + [rule.name for rule in self.live if rule in hits]


class InQuestion:
    """The versions by which a record may have been judged, one at least, in their order; no two are alike.

    `oldest` is the first of them alone.
    """

    def __init__(self, versions: tuple[Version, ...]) -> None:
        self.versions = versions
        self.oldest = InQuestion(versions[:1]) if len(versions) > 1 else self

    def is_fraud(self, transaction: Transaction, record_ms: int, *, is_over: bool) -> bool | None:
        """Tell whether a transaction is fraud by these versions, None where some say so and some do not."""
        if is_over and self._has_threshold:
            return True
        hits = self.hits(transaction, record_ms)
        if not hits:
            return is_over and self._has_threshold
        return _shared({version.is_fraud(hits, is_over=is_over) for version in self.versions})

    def hits(self, transaction: Transaction, record_ms: int) -> Hits:
        """Return the live rules of all versions that hit."""
        return _hits(self._live, transaction, record_ms)

    def shadow_hits(self, transaction: Transaction, record_ms: int) -> Hits:
        """Return the rules of all versions that hit, and do not count in at least one of them."""
        return _hits(self._shadow, transaction, record_ms)

    # Worked out only where they are needed: mostly the oldest version alone is asked.
    @cached_property
    def _live(self) -> Iterable[DataRule]:
        return dict.fromkeys(rule for version in self.versions for rule in version.live)

    @cached_property
    def _shadow(self) -> Iterable[DataRule]:
        return dict.fromkeys(rule for version in self.versions for rule in version.shadow)

    @cached_property
    def _has_threshold(self) -> bool | None:
        return _shared({version.has_threshold for version in self.versions})


def _hits(rules: Iterable[DataRule], transaction: Transaction, record_ms: int) -> Hits:
    hits = {}
    for rule in rules:
        points = rule.points(transaction, record_ms)
        if points is not None:
            hits[rule] = points
    return hits


def _capped(points: object) -> Decimal:
    if isinstance(points, bool) or not isinstance(points, int | Decimal):
        return Decimal(0)
    return min(max(Decimal(points), Decimal(0)), _MOST_POINTS)


def _shared(answers: set[bool]) -> bool | None:
    """Return the answer that all give, None where there are two."""
    return answers.pop() if len(answers) == 1 else None


_THRESHOLD_ALONE = InQuestion((Version(has_threshold=True),))


def threshold_alone(_record_ms: int) -> InQuestion:
    """Return what is in question of any record where there is no topic of rules."""
    return _THRESHOLD_ALONE
