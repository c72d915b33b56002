"""The verdict on one transaction."""

from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from detector.rules import Rule
from payments.transaction import Transaction
from runtime.users_code import described, in_utf_8, kind_of, line_of

_LONGEST_REASON = 256


class RuleFailed(Exception):
    """A rule raised an exception; the message names the rule."""


class Verdict(Struct, frozen=True, gc=False):
    """A transaction and why it is fraud: one reason (`rule: what it saw`) for each rule that found something."""

    transaction: Transaction
    reasons: Sequence[str]


def judge(transaction: Transaction, rules: Sequence[Rule]) -> Verdict:
    """Ask every rule. Raises RuleFailed where one raises, whatever it is: sys.exit() too is no verdict."""
    reasons: Sequence[str] = ()
    for rule in rules:
        try:
            saw = rule.check(transaction)
        except BaseException as error:
            raise RuleFailed(f"rule {rule.name} failed{line_of(error)}: {described(error)}") from error
        reason = None if saw is None else _reason(rule, saw)
        if reason is not None:
            reasons = (*reasons, reason)
    return Verdict(transaction, reasons)


def _reason(rule: Rule, saw: object) -> str | None:
    """Return the reason for what a rule saw: text, or True. Raises RuleFailed for what a rule should not return."""
    if not issubclass(type(saw), str | bool):  # isinstance would run code of the object's own
        raise RuleFailed(f"rule {rule.name} failed: it returned {kind_of(saw)}, neither text nor None")
    if isinstance(saw, bool):
        return f"{rule.name}: {saw}" if saw else None
    text = str.__str__(cast("str", saw))  # of a subclass too
    return in_utf_8(f"{rule.name}: {text}")[:_LONGEST_REASON] if text else None
