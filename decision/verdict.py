"""What follows from the rules for one transaction."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from payments.transaction import Transaction

FRAUD_POINTS = 100
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
    """A transaction, the live rules that hit, and what else the rules have found.

    `shadow` has the hits that do not count: those of rules in shadow mode, and of candidates. `undecided` names rules
    of any mode. `failed` says what was raised by a rule of code.
    """

    transaction: Transaction
    hits: Sequence[Hit] = ()
    shadow: Sequence[Hit] = ()
    undecided: Sequence[str] = ()
    failed: str | None = None

    @property
    def score(self) -> Decimal:
        """The points of the live hits."""
        return sum((hit.points for hit in self.hits), Decimal(0))

    @property
    def is_fraud(self) -> bool:
        """Whether the points reach 100."""
        return bool(self.hits) and self.score >= FRAUD_POINTS


def reason(rule: str, saw: Values) -> str:
    """Return what is shown for a hit, cut to 256 characters."""
    text = ", ".join(f"{written} = {value}" if written else value for written, value in saw)
    return f"{rule}: {text}"[:_LONGEST_REASON]
