"""The detector's settings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from decision.code_rules import CodeRule, named_rules
from decision.provenance import DecisionSettings
from messaging.settings import ConnectionSettings, GroupSettings, TopicCreationSettings, TopicSettings
from payments.mapping import Path, field_path
from runtime.parsing import whole_number
from runtime.service import RuntimeSettings
from runtime.settings import setting


def field_paths(text: str) -> Collection[Path]:
    """Read paths as FIELD_AMOUNT has one, separated by commas. Raises ValueError(what is expected)."""
    return {field_path(path.strip()) for path in text.split(",") if path.strip()}


@dataclass(frozen=True)
class DetectorSettings:
    """All that `python -m detector` reads."""

    connection: ConnectionSettings
    topic_creation: TopicCreationSettings
    group: GroupSettings
    topics: TopicSettings
    decision: DecisionSettings
    runtime: RuntimeSettings
    fraud_rules: Sequence[CodeRule] = setting(
        "FRAUD_RULES", "", named_rules, "rules of code, as module:function, comma-separated"
    )
    shown_fields: Collection[Path] = setting(
        "SHOWN_FIELDS",
        "",
        field_paths,
        "fields of records whose values the log may show where a rule has seen them, comma-separated",
    )
    dead_letter_limit: int = setting(
        "DEAD_LETTER_LIMIT",
        "100",
        partial(whole_number, 1, 1_000_000_000),
        "stop after this many consecutive records on which a rule of code raised",
    )
