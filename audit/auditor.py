"""Audits, one after the other: each reads on from where the last one ended."""

import logging
import sys
from contextlib import suppress

from tqdm import tqdm

from audit.findings import Findings, Offence
from audit.law import Law
from audit.ledger import Ledger
from audit.notes import note
from audit.past import Past
from audit.reader import read
from audit.settings import AuditSettings
from audit.snapshot import KAFKAS_LIMITS, Snapshot, take_snapshot
from messaging.batch import Offsets, Place, Record
from messaging.security.refusals import settings_hidden
from runtime.service import ServiceFailed
from runtime.stop import Stop
from runtime.timing import now_ms, rfc3339

_EVER = -(2**63) - 1  # a record may well be from before 1970, and one without timestamp has -1

logger = logging.getLogger(__name__)


class Auditor:
    """Holds what has been read, and how far. Where it `judges` nothing, it only looks at what is conserved."""

    def __init__(self, settings: AuditSettings, stop: Stop, *, judges: bool = True) -> None:
        self._settings = settings
        self._stop = stop
        self._notes: dict[tuple[str, Offence], str] = {}
        self._past = Past(settings, stop) if judges else None
        first = self._look()
        self._starts: Offsets = first.begins
        self._since = self._whole_since(first)
        self._ledger = Ledger(
            settings.topics,
            first.demands,
            None if self._past is None else self._past.replay,
            settings.mapping,
            is_cut=self._since != _EVER,
        )
        if first.hidden:
            logger.warning("%s", settings_hidden(settings.connection.security, first.hidden, KAFKAS_LIMITS.largest))
        if not first.committed:
            logger.warning("the group %s has committed nothing (CONSUMER_GROUP)", settings.consumer_group)

    def audit(self) -> Findings | None:
        """Read up to where everything is now, and return what has been found so far; None where a stop came first."""
        now = self._look()
        if self._past is not None:
            self._past.read_on(now.output_ends)
        self._read_up_to(now)
        for partition, count in now.deleted.items():
            line = "%s[%d]: the %d offsets behind the group's were deleted before they were read"
            logger.warning(line, self._settings.topics.transactions, partition, count)
        return None if self._stop.requested else self._found(now)

    def _read_up_to(self, now: Snapshot) -> None:
        ends = {**now.input_ends, **now.output_ends}
        distance = sum(max(0, end - self._starts.get(place, 0)) for place, end in ends.items())
        with tqdm(total=distance, unit=" records", file=sys.stderr, leave=False, disable=None) as bar:
            self._take_inputs(now.input_ends, bar)
            self._take_outputs(now.output_ends, bar)
        self._starts = {**self._starts, **ends}

    def _found(self, now: Snapshot) -> Findings:
        found = self._with_notes(self._ledger.findings(now.committed))
        found = found._replace(deleted_unread=sum(now.deleted.values()))
        if self._past is None:
            return found
        self._past.warn(found.not_replayable)
        return found._replace(versions=len(self._past.replay.rule_versions))

    def _look(self) -> Snapshot:
        return take_snapshot(self._settings, self._stop)

    def _take_inputs(self, ends: Offsets, bar: tqdm) -> None:
        for record in read(self._settings.connection, self._starts, ends, self._stop):
            bar.update()
            if record.timestamp > self._since:
                self._ledger.add_input(record)

    def _take_outputs(self, ends: Offsets, bar: tqdm) -> None:
        for record in read(self._settings.connection, self._starts, ends, self._stop):
            if self._stop.requested:  # a rule may be slow
                self._stop.end_a_child()
                break
            bar.update()
            if record.timestamp > self._since or record.has_broker_time:
                self._ledger.add_output(record)

    def _with_notes(self, findings: Findings) -> Findings:
        offences = findings.offences
        for kind, first in offences.first.items():
            for offence in first:
                if (kind, offence) not in self._notes:
                    self._notes[kind, offence] = self._note(kind, offence)
        offences.notes = self._notes
        return findings

    def _note(self, kind: str, offence: Offence) -> str:
        record = self._record(offence.origin or offence.output)
        if record is None:
            return ""
        return note(kind, record, self._settings.topics, self._law_of(offence.origin), self._settings.mapping)

    def _law_of(self, origin: Place | None) -> Law | None:
        """Return by what a record of the input was judged, None where that is not known."""
        if origin is None or self._past is None:
            return None
        return self._past.replay.law_of(origin.partition, origin.offset)

    def _record(self, place: Place | None) -> Record | None:
        """Return a record that was read before, None where it cannot be had again, which costs a note."""
        if place is None:
            return None
        topic, partition, offset = place
        starts, ends = ({(topic, partition): at} for at in (offset, offset + 1))
        with suppress(ServiceFailed):
            return next(read(self._settings.connection, starts, ends, self._stop), None)
        return None

    def _whole_since(self, first: Snapshot) -> int:
        """Return the time in ms since the epoch after which no topic has lost records to its retention.

        A record has the same timestamp in the input and in its output: so what is older is left out in both. An output
        with a time of the broker's own is held against what is left, and may follow from what is not.
        """
        cut = {place: begin for place, begin in first.begins.items() if begin > 0}
        if not cut:
            return _EVER
        since = max(self._first_timestamp(place, first) for place in cut)
        logger.warning("left out: all records up to %s, because some of them have been deleted", rfc3339(since))
        return since

    def _first_timestamp(self, place: tuple[str, int], first: Snapshot) -> int:
        ends = {**first.input_ends, **first.output_ends}
        records = read(self._settings.connection, first.begins, {place: ends[place]}, self._stop)
        return next((record.timestamp for record in records), now_ms())
