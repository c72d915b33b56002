"""Watches what the other detectors of the group note: they should judge with the same settings."""

import logging
from contextlib import suppress

from decision.history import InvalidRecord
from decision.provenance import decode
from detector.provenance import Provenance
from messaging.history import HistoryTopic
from messaging.seam import FOLLOW, AccessRefused, ClientFailed, Reader
from runtime.timing import Every

_SECONDS_BETWEEN_LOOKS = 2.0

logger = logging.getLogger(__name__)


class OtherDetectors:
    """Warns of a detector of the group that judges with other settings, once of each difference.

    Where the notes cannot be read, nothing is said until the next client begins: it costs no more than the warning.
    """

    def __init__(self, topic: HistoryTopic, own: Provenance) -> None:
        self._topic = topic
        self._own = own
        self._reader: Reader | None = None
        self._said: set[tuple[str, ...]] = set()
        self._every = Every(_SECONDS_BETWEEN_LOOKS, starts_due=True)

    def start(self, end: int | None) -> None:
        """Follow what comes behind the end of the topic, which need not be known. Never raises."""
        at = self._topic.name, 0
        with suppress(ClientFailed, AccessRefused):
            starts = {at: self._topic.end() if end is None else end}
            self._reader = self._topic.library.open_reader(self._topic.connection, starts, {at: FOLLOW})

    def look(self) -> None:
        """Warn of what has come. Never raises."""
        if self._reader is None or not self._every.is_due():
            return
        try:
            records = self._reader.poll(0)
        except (ClientFailed, AccessRefused):
            self.close()
            return
        for record in records:
            self._compare(record.value)

    def close(self) -> None:
        """Follow no longer. Never raises."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _compare(self, value: bytes | None) -> None:
        with suppress(InvalidRecord):  # the audit tells of those
            found = tuple(self._own.compare(decode(value)))
            if found and found not in self._said:
                self._said.add(found)
                logger.warning("another detector of the group judges with other settings: %s", "; ".join(found))
