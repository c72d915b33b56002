"""One audit after the other: each reads on from where the one before has ended."""

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tqdm import tqdm

from audit.connection import Offsets
from audit.findings import Findings
from audit.law import Law
from audit.ledger import Ledger
from audit.reader import read
from audit.settings import AuditSettings
from audit.snapshot import KAFKAS_LIMITS, Snapshot, take_snapshot
from messaging.client import Record
from messaging.refusals import settings_hidden
from runtime.stop import Stop

_EVER = -(2**63) - 1  # a record may well be from before 1970, and one without timestamp has -1

logger = logging.getLogger(__name__)


class Auditor:
    """Holds what has been read, and how far."""

    def __init__(self, settings: AuditSettings, stop: Stop) -> None:
        self._settings = settings
        self._stop = stop
        first = self._look()
        law = Law(settings.fraud_threshold, settings.fraud_rules, first.largest, first.refuses_times)
        self._ledger = Ledger(settings.topics, law)
        self._starts: Offsets = first.begins
        self._since = self._whole_since(first)
        if first.hidden:
            logger.warning("%s", settings_hidden(settings.kafka.security, first.hidden, KAFKAS_LIMITS.largest))
        if not first.committed:
            logger.warning("the group %s has committed nothing (CONSUMER_GROUP)", settings.kafka.consumer_group)

    def audit(self) -> Findings | None:
        """Read up to where everything is now, and return what has been found so far; None where a stop came first."""
        now = self._look()
        ends = {**now.input_ends, **now.output_ends}
        distance = sum(max(0, end - self._starts.get(place, 0)) for place, end in ends.items())
        with tqdm(total=distance, unit=" records", file=sys.stderr, leave=False, disable=None) as bar:
            self._take(now.input_ends, self._ledger.add_input, bar)
            self._take(now.output_ends, self._ledger.add_output, bar)
        self._starts = {**self._starts, **ends}
        return None if self._stop.requested else self._ledger.findings(now.committed)

    def _look(self) -> Snapshot:
        return take_snapshot(self._settings.kafka, self._settings.topics)

    def _take(self, ends: Offsets, add: Callable[[Record], None], bar: tqdm) -> None:
        for record in read(self._settings.kafka, self._starts, ends, self._stop):
            bar.update()
            if record.timestamp > self._since:
                add(record)

    def _whole_since(self, first: Snapshot) -> int:
        """Return the time in ms since the epoch after which no topic has lost records to its retention.

        A record has the same timestamp in the input and in its output: so what is older is left out in both.
        """
        cut = {place: begin for place, begin in first.begins.items() if begin > 0}
        if not cut:
            return _EVER
        since = max(self._first_timestamp(place, first) for place in cut)
        logger.warning("left out: what is from %s or before, some of which has been deleted", _utc(since))
        return since

    def _first_timestamp(self, place: tuple[str, int], first: Snapshot) -> int:
        ends = {**first.input_ends, **first.output_ends}
        record = next(read(self._settings.kafka, first.begins, {place: ends[place]}, self._stop), None)
        return time.time_ns() // 1_000_000 if record is None else record.timestamp


def _utc(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
