"""The audit's settings: those of the detector that it checks."""

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from audit.law import Rule
from messaging.settings import ConnectionSettings, TopicSettings, consumer_group
from payments.mapping import FieldMapping
from runtime.parsing import number_from_zero
from runtime.service import RuntimeSettings
from runtime.settings import setting
from runtime.users_code import described


def rules(text: str) -> Sequence[Rule]:
    """Load rules given as module:function, separated by commas. Raises ValueError(what is expected)."""
    return [_rule(name.strip()) for name in text.split(",") if name.strip()]


def _rule(name: str) -> Rule:
    expected = "module:function, or several, comma-separated"
    try:
        found = pkgutil.resolve_name(name)
    except BaseException as error:  # a module of the user's, which runs when it is imported
        raise ValueError(f"{expected}; {name}: {described(error)}") from error
    if not callable(found):
        raise ValueError(f"{expected}; {name} is not a function")  # noqa: TRY004 - the reader of a setting says ValueError
    return Rule(name.rpartition(":")[2], found)


@dataclass(frozen=True)
class AuditSettings:
    """All that `python -m audit` reads."""

    connection: ConnectionSettings
    topics: TopicSettings
    mapping: FieldMapping
    runtime: RuntimeSettings
    consumer_group: str = consumer_group()
    fraud_threshold: Decimal = setting(
        "FRAUD_THRESHOLD",
        "900",
        number_from_zero,
        "amounts over this are fraud, exactly this much is legit: amount_over_threshold, if RULES_TOPIC has no other",
    )
    fraud_rules: Sequence[Rule] = setting(
        "FRAUD_RULES", "", rules, "rules that are code, as module:function, comma-separated"
    )
