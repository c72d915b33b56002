"""What follows from the rules for one transaction."""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from msgspec import Struct

from decision.values import ARITHMETIC
from payments.transaction import Transaction

FRAUD_POINTS = Decimal(100)
_NO_POINTS = Decimal(0)
_LONGEST_REASON = 256

Values = Sequence[tuple[str, str]]  # what a rule looked at, as it is written, and its value; or "" and a text


class Hit(Struct, frozen=True, gc=False):
    """A rule that hit: by which name, how many points that counts, and what it saw."""

    rule: str
    points: Decimal
    saw: Values

    @property
    def reason(self) -> str:
        """What is shown for it: `night_abroad: amount = 812.10, field["country"] = "NG"`."""
        return reason(self.rule, self.saw)


class Verdict(Struct, frozen=True, gc=False):
    """A transaction, the live rules that hit with their points together, and what else the rules have found.

    `shadow` has the hits that do not count: those of rules in shadow mode, and of candidates. `undecided` names rules
    of any mode. `failed` says what was raised by a rule of code.
    """

    transaction: Transaction
    hits: Sequence[Hit] = ()
    score: Decimal = _NO_POINTS
    shadow: Sequence[Hit] = ()
    undecided: Sequence[str] = ()
    failed: str | None = None

    @property
    def is_fraud(self) -> bool:
        """Whether the points reach 100."""
        return self.score >= FRAUD_POINTS


def points_of(hits: Sequence[Hit]) -> Decimal:
    """Return the points of hits together, rounded half even to 50 digits."""
    return hits[0].points if len(hits) == 1 else reduce(ARITHMETIC.add, [hit.points for hit in hits], _NO_POINTS)


def candidate_label(name: str) -> str:
    """Return what the candidate beside a rule is called in reasons and counts."""
    return f"{name} (candidate)"


def reason(rule: str, saw: Values) -> str:
    """Return what is shown for a hit, cut to 256 characters."""
    return f"{rule}: {in_words(saw)}"[:_LONGEST_REASON]


def in_words(saw: Values) -> str:
    """Return what a rule looked at: `amount = 812.10, field["country"] = "NG"`."""
    return ", ".join([f"{written} = {value}" if written else value for written, value in saw])
