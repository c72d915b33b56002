"""What the generator's log shows: a line for each delivered transaction, and a summary every 10 seconds."""

import logging
import time
from collections.abc import Sequence

from messaging.batch import Message
from payments.mapping import FieldMapping
from payments.reading import TransactionReader
from runtime.timing import Every

SUMMARY_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Report:
    """Counts what has been delivered and logs it; each transaction too where `show` is all (LOG_TRANSACTIONS)."""

    def __init__(self, show: str, mapping: FieldMapping) -> None:
        self._show = show
        self._reader = TransactionReader(mapping, keeps_json=False)
        self._every = Every(SUMMARY_SECONDS, starts_due=False)
        self._counted_since = time.monotonic()
        self._sent_before = 0
        self.sent = 0

    def delivered(self, messages: Sequence[Message]) -> None:
        """Count and log what Kafka has acknowledged."""
        self.sent += len(messages)
        if self._show == "all":
            for message in messages:
                self._log_sent(message)

    def summary(self) -> None:
        """Log the summary when it is time for it."""
        if self._every.is_due():
            now = time.monotonic()
            rate = round((self.sent - self._sent_before) / (now - self._counted_since), 1)
            self._sent_before, self._counted_since = self.sent, now
            fields = {"sent": self.sent, "per_second": rate}
            logger.info("summary: sent %s, per second %s", f"{self.sent:,}", f"{rate:,}", extra={"fields": fields})

    def given_up(self, count: int) -> None:
        """Log how many queued messages Kafka has not acknowledged; each of them may have arrived or not."""
        if count:
            logger.error("not acknowledged by Kafka: %s", f"{count:,}", extra={"fields": {"not_confirmed": count}})

    def total(self) -> None:
        """Log the count since the start."""
        logger.info("stopped: sent %s", f"{self.sent:,}", extra={"fields": {"sent": self.sent}})

    def _log_sent(self, message: Message) -> None:
        sent = self._reader.read(message.value)
        fields = {
            "id": sent.id,
            "amount": str(sent.amount),
            "currency": sent.currency,
            "source": sent.source,
            "target": sent.target,
        }
        extra = {"label": "SENT", "fields": fields}
        logger.info("%10s %s  %s -> %s", sent.amount, sent.currency, sent.source, sent.target, extra=extra)
