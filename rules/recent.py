"""The last transactions of their topic, to try a rule on."""

import time
from collections.abc import Sequence
from contextlib import closing, suppress
from operator import attrgetter

from messaging.batch import Offsets, Record
from messaging.seam import ClientLibrary
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction
from rules.connection import or_failed
from rules.settings import RulesSettings
from rules.trial import Tried

MOST = 1_000
_MOST_READ = 20_000  # where there are many partitions, fewer of each, so that it stays quick
_MOST_SECONDS = 3.0
_POLL_SECONDS = 0.2


def last_transactions(settings: RulesSettings, library: ClientLibrary) -> Sequence[Tried]:
    """Return the last 1,000 transactions, by their records' timestamps; fewer where Kafka is slow.

    Raises ServiceFailed and ServiceRefused.
    """
    reader = TransactionReader(settings.decision.mapping, keeps_json=True)
    found = []
    for record in _last_records(settings, library):
        with suppress(InvalidTransaction):
            found.append((reader.read(record.value, record), record.timestamp))
    return found


def _last_records(settings: RulesSettings, library: ClientLibrary) -> Sequence[Record]:
    connection = settings.connection
    with or_failed(connection):
        ends = library.end_offsets(connection, [settings.topics.transactions])
        with closing(library.open_reader(connection, _starts(ends), ends)) as reader:
            records: list[Record] = []
            deadline = time.monotonic() + _MOST_SECONDS
            while reader.left and time.monotonic() < deadline:
                records += reader.poll(_POLL_SECONDS)
    return sorted(records, key=attrgetter("timestamp"))[-MOST:]


def _starts(ends: Offsets) -> Offsets:
    """Return where to begin to read, so that the last 1,000 are among what is read."""
    each = min(MOST, _MOST_READ // max(1, len(ends)) + 1)
    return {at: max(0, end - each) for at, end in ends.items()}
