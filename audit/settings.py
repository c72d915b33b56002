"""The audit's settings: those of the detector that it checks."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.law import CodeRule
from messaging.settings import ConnectionSettings, TopicSettings, consumer_group
from payments.mapping import FieldMapping
from runtime.service import RuntimeSettings
from runtime.settings import setting
from runtime.users_code import file_digest, named_functions


def code_rules(text: str) -> Sequence[CodeRule]:
    """Load rules given as module:function, separated by commas. Raises ValueError(what is expected)."""
    return [CodeRule(name, ask, file_digest(ask)) for name, ask in named_functions(text)]


@dataclass(frozen=True)
class AuditSettings:
    """All that `python -m audit` reads. By the mapping it knows a record again of which no note says how to read it."""

    connection: ConnectionSettings
    topics: TopicSettings
    mapping: FieldMapping
    runtime: RuntimeSettings
    consumer_group: str = consumer_group()
    fraud_rules: Sequence[CodeRule] = setting(
        "FRAUD_RULES", "", code_rules, "rules of code, as module:function, comma-separated"
    )
