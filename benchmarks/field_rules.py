"""Rules to be measured: one that asks for nothing, and one that asks for a field."""

from payments.transaction import Transaction


def asks_nothing(_transaction: Transaction) -> None:
    """See nothing."""


def asks_country(transaction: Transaction) -> str | None:
    """See a country that no record has."""
    return "from nowhere" if transaction.field("country") == "XX" else None
