"""The generator's settings."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from messaging.settings import ConnectionSettings, TopicCreationSettings, transactions_topic
from payments.mapping import FieldMapping
from runtime.parsing import number_from_zero, optional_whole_number, whole_number
from runtime.service import RuntimeSettings
from runtime.settings import setting


@dataclass(frozen=True)
class GeneratorSettings:
    """All that `python -m generator` reads."""

    connection: ConnectionSettings
    topic_creation: TopicCreationSettings
    runtime: RuntimeSettings
    mapping: FieldMapping
    topic: str = transactions_topic()
    per_second: Decimal = setting("TRANSACTIONS_PER_SECOND", "10", number_from_zero, "the pace; 0: as fast as possible")
    count: int = setting(
        "TRANSACTION_COUNT", "0", partial(whole_number, 0, 10**15), "stop after this many transactions; 0: never"
    )
    seed: int | None = setting(
        "RANDOM_SEED",
        "",
        optional_whole_number,
        "a whole number: the same accounts and amounts each time; empty: different ones",
    )
    accounts: int = setting("ACCOUNTS", "1000", partial(whole_number, 2, 10_000_000), "number of accounts")
