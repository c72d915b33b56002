"""The verdict on one transaction."""

import traceback
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


def judge(transaction: Transaction, rules: Sequence[Rule]) -> Verdict:
    """Ask every rule. Raises RuleFailed where one raises, whatever it is: sys.exit() too is no verdict."""
    reasons = []
    for rule in rules:
        try:
            saw = rule.check(transaction)
            reason = None if saw is None else _reason(rule, saw)
        except BaseException as error:
            raise RuleFailed(_in_utf_8(f"rule {rule.name} failed: {_described(error)}")) from error
        if reason is not None:
            reasons.append(reason)
    return Verdict(transaction, reasons)


def _reason(rule: Rule, saw: str) -> str | None:
    return _in_utf_8(f"{rule.name}: {saw}")[:_LONGEST_REASON] if saw else None


def _described(error: BaseException) -> str:
    """Return the name of the exception and what it says; it may be a user's own, which fails at that too."""
    return " ".join(line.strip() for line in traceback.format_exception_only(error))


def _in_utf_8(text: str) -> str:
    """Return the text with what UTF-8 cannot hold spelled out."""
    return text.encode(errors="backslashreplace").decode()
