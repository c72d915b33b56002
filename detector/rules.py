"""The rules: each is a plain function of one transaction that returns what looks like fraud, or None.

To add one, write it in a module of yours and name it in FRAUD_RULES:

    def round_amount(transaction: Transaction) -> str | None:
        return "no cents" if transaction.amount == transaction.amount.to_integral_value() else None

    FRAUD_RULES=my_rules:round_amount
"""

import pkgutil
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from payments.transaction import Transaction
from runtime.users_code import described

THRESHOLD_RULE = "amount_over_threshold"
_LONGEST_AMOUNT_SHOWN = 40


class Rule(NamedTuple):
    """A rule by its name; `check` returns what it saw where the transaction looks like fraud."""

    name: str
    check: Callable[[Transaction], str | None]


def amount_over(threshold: Decimal) -> Rule:
    """Return the rule that finds amounts over the threshold, compared exactly as written."""
    return Rule(THRESHOLD_RULE, partial(_amount_over, threshold))


def named_rules(text: str) -> Sequence[Rule]:
    """Load rules given as module:function, separated by commas. Raises ValueError(what is expected)."""
    return [_named_rule(name.strip()) for name in text.split(",") if name.strip()]


def _amount_over(threshold: Decimal, transaction: Transaction) -> str | None:
    if transaction.amount > threshold:
        return f"{str(transaction.amount)[:_LONGEST_AMOUNT_SHOWN]} is over {threshold}"
    return None


def _named_rule(name: str) -> Rule:
    try:
        check = pkgutil.resolve_name(name)
    except BaseException as error:  # a module of the user's, which runs when it is imported
        message = f"module:function, or several, comma-separated; {name}: {described(error)}"
        raise ValueError(message) from error
    if not callable(check):
        message = f"module:function, or several, comma-separated; {name} is not a function"
        raise ValueError(message)  # noqa: TRY004 - the reader of a setting says ValueError
    return Rule(name.rpartition(":")[2], check)
