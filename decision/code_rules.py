"""Rules of code: each is a plain function of one transaction that returns what looks like fraud, or None.

To add one, write it in a module of yours and name it in FRAUD_RULES:

    def round_amount(transaction: Transaction) -> str | None:
        return "no cents" if transaction.amount == transaction.amount.to_integral_value() else None

    FRAUD_RULES=my_rules:round_amount
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from msgspec.structs import replace

from decision.verdict import FRAUD_POINTS, Hit, Verdict, points_of
from payments.transaction import Transaction
from runtime.users_code import described, in_utf_8, kind_of, line_of, named_functions


class RuleFailed(Exception):
    """A rule raised an exception, or returned what a rule should not; the message names the rule."""


class CodeRule(NamedTuple):
    """A rule by its name; `check` returns what it saw where the transaction looks like fraud."""

    name: str
    check: Callable[[Transaction], str | None]


def named_rules(text: str) -> Sequence[CodeRule]:
    """Load rules given as module:function, separated by commas. Raises ValueError(what is expected)."""
    return [CodeRule(*found) for found in named_functions(text)]


def with_code_rules(verdict: Verdict, rules: Sequence[CodeRule]) -> Verdict:
    """Return a verdict with the hits of these rules; where some fail the others are asked, and `failed` is the first's.

    Whatever is raised is a failure: sys.exit() too is no verdict.
    """
    hits: list[Hit] = []
    failed = None
    for rule in rules:
        try:
            hits += hits_of(rule, verdict.transaction)
        except RuleFailed as error:
            failed = failed or str(error)
    if not (hits or failed):
        return verdict
    all_hits = (*verdict.hits, *hits)
    return replace(verdict, hits=all_hits, score=points_of(all_hits), failed=failed)


def hits_of(rule: CodeRule, transaction: Transaction) -> Sequence[Hit]:
    """Return the hit of a rule where it saw something, none where not. Raises RuleFailed."""
    try:
        saw = rule.check(transaction)
    except BaseException as error:
        raise RuleFailed(f"rule {rule.name} failed{line_of(error)}: {described(error)}") from error
    text = None if saw is None else _text(rule, saw)
    return (Hit(rule.name, FRAUD_POINTS, (("", text),)),) if text else ()


def _text(rule: CodeRule, saw: object) -> str | None:
    """Return what a rule saw: text, or True. Raises RuleFailed for what a rule should not return."""
    if not issubclass(type(saw), str | bool):  # isinstance would run code of the object's own
        raise RuleFailed(f"rule {rule.name} failed: it returned {kind_of(saw)}, neither text nor None")
    if isinstance(saw, bool):
        return str(saw) if saw else None
    return in_utf_8(str.__str__(cast("str", saw)))  # of a subclass too
