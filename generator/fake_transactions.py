"""An endless stream of random transactions. The same seed gives the same ones, except for their ids and times."""

import random
import string
import uuid
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from payments.mapping import WrittenTime
from payments.transaction import Transaction

CURRENCY = "USD"
_ACCOUNT_CHARACTERS = string.ascii_letters + string.digits
_ACCOUNT_LENGTH = 12
_LEAST_CENTS = 100
_MOST_CENTS = 100_000


def fake_transactions(
    seed: int | None, accounts: int, written_time: Callable[[], WrittenTime]
) -> Iterator[Transaction]:
    """Yield transactions of 1.00 to 1000.00, each between two different accounts out of `accounts` (at least 2).

    `written_time` is called for each one.
    """
    choice = random.Random(seed)  # noqa: S311 - play money
    ids = random.Random()  # noqa: S311 - uuid4() makes a system call each time
    names = _accounts(choice, accounts)
    while True:
        source = _below(accounts, choice)
        target = (source + 1 + _below(accounts - 1, choice)) % accounts
        cents = _LEAST_CENTS + _below(_MOST_CENTS - _LEAST_CENTS + 1, choice)
        amount = Decimal(cents).scaleb(-2)
        yield Transaction(
            str(uuid.UUID(int=ids.getrandbits(128), version=4)),
            names[source],
            names[target],
            amount,
            CURRENCY,
            written_time(),
        )


def _below(limit: int, choice: random.Random) -> int:
    """Return a whole number from 0 to below the limit; `randrange` takes five times as long."""
    return int(choice.random() * limit)


def _accounts(choice: random.Random, count: int) -> Sequence[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(choice.choices(_ACCOUNT_CHARACTERS, k=_ACCOUNT_LENGTH))] = None
    return list(names)
