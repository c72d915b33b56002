"""The audit's settings: those of the detector that it checks."""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from messaging.settings import KafkaSettings, TopicSettings
from messaging.transaction import Transaction
from runtime.parsing import number_from_zero
from runtime.service import RuntimeSettings
from runtime.settings import setting
from runtime.users_code import described

Rule = Callable[[Transaction], object]


def functions(text: str) -> Sequence[Rule]:
    """Load functions given as module:function, separated by commas. Raises ValueError(what is expected)."""
    return [_function(name.strip()) for name in text.split(",") if name.strip()]


def _function(name: str) -> Rule:
    expected = "module:function, several separated by commas"
    try:
        found = pkgutil.resolve_name(name)
    except BaseException as error:  # a module of the user's, which runs when it is imported
        raise ValueError(f"{expected}; {name}: {described(error)}") from error
    if not callable(found):
        raise ValueError(f"{expected}; {name} is not a function")  # noqa: TRY004 - the reader of a setting says ValueError
    rule: Rule = found
    return rule


@dataclass(frozen=True)
class AuditSettings:
    """All that `python -m audit` reads."""

    kafka: KafkaSettings
    topics: TopicSettings
    runtime: RuntimeSettings
    fraud_threshold: Decimal = setting(
        "FRAUD_THRESHOLD", "900", number_from_zero, "amounts over this are fraud; this much itself is legit"
    )
    fraud_rules: Sequence[Rule] = setting("FRAUD_RULES", "", functions, "more rules, as module:function, comma between")
