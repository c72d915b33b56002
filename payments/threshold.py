"""The setting of the threshold, for all who decide by it or ask who does."""

from typing import Any

from runtime.parsing import number_from_zero
from runtime.settings import setting


def fraud_threshold() -> Any:
    """Declare the field for the amount over which a transaction is fraud."""
    return setting(
        "FRAUD_THRESHOLD",
        "900",
        number_from_zero,
        "amounts over this are fraud, exactly this much is legit: amount_over_threshold, if RULES_TOPIC has no other",
    )
