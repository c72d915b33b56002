"""A rule that is asked: for which accounts, and what follows from a hit of it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b

from decision.compilation import Compiled, function
from decision.expression import translate, translate_number
from decision.lists import NO_LISTS, ListBook
from decision.rule import Rule
from decision.scope import Scope
from decision.source import printed
from decision.templates import statement
from decision.verdict import Hit, Values, candidate_label
from payments.mapping import Path
from payments.transaction import Transaction

THRESHOLD_RULE = "amount_over_threshold"
_OVER = re.compile(r"amount > ([0-9.]+)")
_PLAIN_POINTS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_MOST_POINTS = Decimal(1000)
_WHOLE = "100"  # percent
_BUCKETS = 2**64
_LONGEST_VALUE = 60
_LONGEST_AMOUNT_SHOWN = 40
_CONTAINERS: Mapping[type, str] = {list: "[...]", dict: "{...}"}


def threshold_rule(threshold: Decimal) -> Rule:
    """Return the rule of that name which FRAUD_THRESHOLD gives."""
    return Rule(f"amount > {threshold:f}")


class AskedRule:
    """A rule with what is worked out of it once. A candidate stands beside the rule of its name, to replace it later.

    `label` is what it is called in reasons and counts, `kind` its mode, or candidate; `is_live` tells whether its hits
    count for the verdict.
    """

    def __init__(self, name: str, rule: Rule, *, is_candidate: bool = False) -> None:
        self.name = name
        self.rule = rule
        self.label = candidate_label(name) if is_candidate else name
        self.kind = "candidate" if is_candidate else rule.mode
        self.is_live = self.kind == "live"
        over = _OVER.fullmatch(rule.when) if name == THRESHOLD_RULE else None
        self._threshold = over and over[1]
        self._points = _capped(Decimal(rule.points)) if _PLAIN_POINTS.fullmatch(rule.points) else None

    @cached_property
    def fields_of_points(self) -> Sequence[Path]:
        """The fields that its points look at."""
        if self._points is not None:
            return ()
        scope = Scope()
        translate_number(self.rule.points, scope)
        return scope.fields

    def holds_for(self, source: str) -> bool:
        """Tell whether an account is in the rule's share: by a hash of both, so the answer stays the same."""
        if self.rule.share == _WHOLE:
            return True
        digest = blake2b(f"{self.name}\0{source}".encode(errors="surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) * 100 < Decimal(self.rule.share) * _BUCKETS

    def hit(self, transaction: Transaction, record_ms: int, lists: ListBook = NO_LISTS) -> Hit:
        """Return its hit on a transaction, as which it counts and with what it saw."""
        if self._threshold:
            shown = str(transaction.amount)[:_LONGEST_AMOUNT_SHOWN]
            saw: Values = (("", f"{shown} is over {self._threshold}"),)
        else:
            saw = self.values(transaction, record_ms, lists)
        if self._points is None:
            return Hit(self.label, _capped(*self._count(transaction, record_ms, lists)), saw)
        return Hit(self.label, self._points, saw)

    def values(self, transaction: Transaction, record_ms: int, lists: ListBook = NO_LISTS) -> Values:
        """Return what the rule looks at, and the values of that: amount and 812.10."""
        parts, look = self._parts_and_look
        return tuple(zip(parts, map(_readable, look(transaction, record_ms, lists)), strict=True))

    @cached_property
    def _parts_and_look(self) -> tuple[Sequence[str], Compiled]:
        """How what its condition looks at is written, and what returns the values of that."""
        scope = Scope()
        parts = translate(self.rule.when, scope).parts
        statements = [statement("found = (*found, X)", X=tree) for tree in parts.values()]
        return [*map(printed, parts)], function(scope, statements)

    @cached_property
    def _count(self) -> Compiled:
        """What returns the points, alone in a tuple."""
        scope = Scope()
        return function(scope, [statement("found = (X,)", X=translate_number(self.rule.points, scope).tree)])


def lists_named(rules: Iterable[Rule]) -> Sequence[str]:
    """Return the names of the lists that rules ask, whatever their mode."""
    scope = Scope()
    for rule in rules:
        translate(rule.when, scope)
        translate_number(rule.points, scope)
    return scope.lists


def _capped(points: object) -> Decimal:
    """Return points of 0 to 1000; 0 for what is no number."""
    if isinstance(points, bool) or not isinstance(points, Decimal | int):
        return Decimal(0)
    return min(max(Decimal(points), Decimal(0)), _MOST_POINTS)


def _readable(value: object) -> str:
    """Return a value for people to read, the beginning of it where it is long."""
    if type(value) is str:
        quoted = printed(json.dumps(value[:_LONGEST_VALUE], ensure_ascii=False))
        return quoted if len(value) <= _LONGEST_VALUE else f"{quoted[:-1]}..."
    text = _CONTAINERS.get(type(value)) or str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
