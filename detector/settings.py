"""The detector's settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from detector.rules import Rule, named_rules
from messaging.settings import ConnectionSettings, GroupSettings, TopicCreationSettings, TopicSettings
from payments.mapping import FieldMapping
from runtime.parsing import number_from_zero, whole_number
from runtime.service import RuntimeSettings
from runtime.settings import setting


@dataclass(frozen=True)
class DetectorSettings:
    """All that `python -m detector` reads."""

    connection: ConnectionSettings
    topic_creation: TopicCreationSettings
    group: GroupSettings
    topics: TopicSettings
    mapping: FieldMapping
    runtime: RuntimeSettings
    fraud_threshold: Decimal = setting(
        "FRAUD_THRESHOLD", "900", number_from_zero, "amounts over this are fraud; exactly this much is legit"
    )
    fraud_rules: Sequence[Rule] = setting(
        "FRAUD_RULES", "", named_rules, "more rules, as module:function, comma-separated"
    )
    dead_letter_limit: int = setting(
        "DEAD_LETTER_LIMIT",
        "100",
        partial(whole_number, 1, 1_000_000_000),
        "stop after this many consecutive records on which a custom rule raised",
    )
