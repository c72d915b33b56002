"""The verdict on one transaction."""

from collections.abc import Sequence
from typing import NamedTuple

from detector.rules import Rule
from messaging.transaction import Transaction

_LONGEST_REASON = 256


class RuleFailed(Exception):
    """A rule raised an exception; the message names the rule."""


class Verdict(NamedTuple):
    """A transaction and why it is fraud: one reason (`rule: what it saw`) for each rule that found something."""

    transaction: Transaction
    reasons: Sequence[str]

    @property
    def is_fraud(self) -> bool:
        """Whether any rule found something."""
        return bool(self.reasons)


def judge(transaction: Transaction, rules: Sequence[Rule]) -> Verdict:
    """Ask every rule. Raises RuleFailed where one raises."""
    return Verdict(transaction, [reason for rule in rules if (reason := _reason(transaction, rule))])


def _reason(transaction: Transaction, rule: Rule) -> str | None:
    try:
        saw = rule.check(transaction)
    except Exception as error:
        message = f"rule {rule.name} failed: {type(error).__name__}: {error}"
        raise RuleFailed(message) from error
    return f"{rule.name}: {saw}"[:_LONGEST_REASON] if saw else None
