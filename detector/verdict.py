"""The verdict on one transaction."""

from collections.abc import Sequence

from msgspec import Struct

from detector.rules import Rule
from messaging.transaction import Transaction

_LONGEST_REASON = 256


class RuleFailed(Exception):
    """A rule raised an exception; the message names the rule."""


class Verdict(Struct, frozen=True, gc=False):
    """A transaction and why it is fraud: one reason (`rule: what it saw`) for each rule that found something."""

    transaction: Transaction
    reasons: Sequence[str]

    @property
    def is_fraud(self) -> bool:
        """Whether any rule found something."""
        return bool(self.reasons)


def judge(transaction: Transaction, rules: Sequence[Rule]) -> Verdict:
    """Ask every rule. Raises RuleFailed where one raises."""
    reasons = []
    for rule in rules:
        try:
            saw = rule.check(transaction)
        except Exception as error:
            raise RuleFailed(f"rule {rule.name} failed: {type(error).__name__}: {error}") from error
        if saw:
            reasons.append(f"{rule.name}: {saw}"[:_LONGEST_REASON])
    return Verdict(transaction, reasons)
