"""The audit's settings: those of the detector that it checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from audit.law import CodeRule
from messaging.settings import ConnectionSettings, TopicSettings, consumer_group
from payments.mapping import FieldMapping
from payments.threshold import fraud_threshold
from runtime.service import RuntimeSettings
from runtime.settings import setting
from runtime.users_code import named_functions


def code_rules(text: str) -> Sequence[CodeRule]:
    """Load rules given as module:function, separated by commas. Raises ValueError(what is expected)."""
    return [CodeRule(*found) for found in named_functions(text)]


@dataclass(frozen=True)
class AuditSettings:
    """All that `python -m audit` reads."""

    connection: ConnectionSettings
    topics: TopicSettings
    mapping: FieldMapping
    runtime: RuntimeSettings
    consumer_group: str = consumer_group()
    fraud_threshold: Decimal = fraud_threshold()
    fraud_rules: Sequence[CodeRule] = setting(
        "FRAUD_RULES", "", code_rules, "rules of code, as module:function, comma-separated"
    )
