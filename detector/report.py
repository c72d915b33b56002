"""What the detector's log shows: a line for each verdict, warnings of dead letters, a summary every 10 seconds."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from decision.verdict import Verdict
from detector.headers import LONGEST_PROBLEM
from detector.routing import DeadLetter, Outcome
from detector.rule_counts import RuleCounts, counts_in_words
from detector.verdict_log import VerdictLog
from runtime.logs import printable
from runtime.timing import Every

SUMMARY_SECONDS = 10.0
MOST_DEAD_LETTER_LINES = 10  # of an interval; a flood of bad input must not fill the log or its disk
DEAD_LETTERS_IN_A_ROW = 100
_MOST_OF_THE_TIME = 0.3

logger = logging.getLogger(__name__)


class Report:
    """Counts the outcomes of committed batches and logs them; `verdicts` writes a line for each that is to be shown."""

    def __init__(self, verdicts: VerdictLog) -> None:
        self._verdicts = verdicts
        self._every = Every(SUMMARY_SECONDS, starts_due=False)
        self._counted_since = time.monotonic()
        self._judged_before = 0
        self._reporting_seconds = 0.0
        self._has_warned = False
        self._dead_letters_before = 0
        self._dead_letters_in_a_row = 0
        self.rule_counts = RuleCounts()
        self._deleted_up_to: dict[int, int] = {}
        self.deleted_unread = 0
        self.fraud = 0
        self.legit = 0
        self.dead_letters = 0

    @property
    def committed(self) -> int:
        """How many records were committed."""
        return self.judged + self.dead_letters

    @property
    def judged(self) -> int:
        """How many transactions got a verdict."""
        return self.fraud + self.legit

    def batch(self, outcomes: Sequence[Outcome]) -> None:
        """Count and log what has been committed."""
        begin, shows_legit = time.monotonic(), self._verdicts.shows_legit
        for outcome in outcomes:
            if isinstance(outcome, DeadLetter):
                self.dead_letters += 1
                self._count_in_a_row(outcome)
                if self._new_dead_letters() <= MOST_DEAD_LETTER_LINES:
                    _log_dead_letter(outcome)
                continue
            self._dead_letters_in_a_row = 0
            if outcome.hits or outcome.shadow or outcome.undecided:
                self._count(outcome)
            else:
                self.legit += 1
                if shows_legit:
                    self._verdicts.write(outcome, is_fraud=False)
        self._reporting_seconds += time.monotonic() - begin

    def _count(self, verdict: Verdict) -> None:
        """Count one of which a rule has said something."""
        is_fraud = verdict.is_fraud
        if is_fraud:
            self.fraud += 1
        else:
            self.legit += 1
        self.rule_counts.add(verdict)
        self._verdicts.write(verdict, is_fraud=is_fraud)

    def skipped(self, topic: str, partition: int, sought: int, first: int) -> None:
        """Warn that the offset that was to be read next in a partition is not there: reading goes on at the first.

        What a client skips again that failed before it could commit is not counted again.
        """
        fields = {"topic": topic, "partition": partition, "offset": sought, "first_offset": first}
        if first < sought:
            line = "%s[%d] has no offset %d: it is a new topic, or has lost records; reading from offset %d"
            logger.warning(line, topic, partition, sought, first, extra={"fields": fields})
            self._deleted_up_to.pop(partition, None)
            return
        deleted = first - max(sought, self._deleted_up_to.get(partition, 0))
        if deleted > 0:
            self.deleted_unread += deleted
            self._deleted_up_to[partition] = first
            logger.warning(
                "%s[%d]: Kafka has deleted up to %s records before they were read, offsets %d to %d: retention.ms or "
                "retention.bytes is too low, or there were too few detectors for too long",
                *(topic, partition, f"{deleted:,}", first - deleted, first - 1),
                extra={"fields": fields},
            )

    def summary(self, lag: Callable[[], int | None]) -> None:
        """Log the summary when it is time for it."""
        if self._every.is_due():
            now = time.monotonic()
            seconds = now - self._counted_since
            rate = (self.judged - self._judged_before) / seconds
            self._log_counts("summary", {**self.counts(), "per second": round(rate, 1), "lag": lag()})
            self._tell_of_more_dead_letters()
            self._warn_of_a_slow_log(self._reporting_seconds / seconds)
            self._judged_before, self._counted_since, self._reporting_seconds = self.judged, now, 0.0

    def _count_in_a_row(self, dead: DeadLetter) -> None:
        """Warn, once in a row, that the topic itself may be the wrong one; where a rule failed, that says nothing."""
        if dead.rule_failed:
            return
        self._dead_letters_in_a_row += 1
        if self._dead_letters_in_a_row == DEAD_LETTERS_IN_A_ROW:
            logger.warning(
                "%d consecutive records of %s are dead letters, so its records probably have another shape: "
                "set TRANSACTIONS_TOPIC, or FIELD_AMOUNT and its like (`python -m rules explain` with one of them "
                "shows how it is read); the last: %s",
                DEAD_LETTERS_IN_A_ROW,
                dead.record.topic,
                printable(dead.problem, LONGEST_PROBLEM),
            )

    def _new_dead_letters(self) -> int:
        return self.dead_letters - self._dead_letters_before

    def _tell_of_more_dead_letters(self) -> None:
        more = self._new_dead_letters() - MOST_DEAD_LETTER_LINES
        if more > 0:
            extra = {"fields": {"more_dead_letters": more}}
            logger.warning(
                "%s more dead letters since the last summary, not logged one by one", f"{more:,}", extra=extra
            )
        self._dead_letters_before = self.dead_letters

    def _warn_of_a_slow_log(self, share: float) -> None:
        if share > _MOST_OF_THE_TIME and not self._has_warned:
            self._has_warned = True
            logger.warning("logging takes %.0f %% of the time; LOG_TRANSACTIONS=fraud or none is faster", share * 100)

    def total(self) -> None:
        """Log the counts since the start."""
        self._tell_of_more_dead_letters()
        self._log_counts("stopped", self.counts())

    def counts(self) -> dict[str, Any]:
        """Return the counts since the start, by name."""
        counts = {
            "judged": self.judged,
            "fraud": self.fraud,
            "legit": self.legit,
            "dead letters": self.dead_letters,
        }
        return {**counts, "deleted unread": self.deleted_unread} if self.deleted_unread else counts

    def _log_counts(self, what: str, counts: dict[str, Any]) -> None:
        texts = {name: "unknown" if count is None else f"{count:,}" for name, count in counts.items()}
        if self.rule_counts.on_fraud:
            texts["fraud"] += f" ({counts_in_words(self.rule_counts.on_fraud)})"
        texts |= self.rule_counts.texts()
        fields = {name.replace(" ", "_"): count for name, count in counts.items()}
        text = ", ".join(f"{name} {count}" for name, count in texts.items())
        logger.info("%s: %s", what, text, extra={"fields": {**fields, **self.rule_counts.fields()}})


def _log_dead_letter(dead: DeadLetter) -> None:
    record = dead.record
    logger.warning(
        "dead letter: %s[%d] offset %d: %s",
        record.topic,
        record.partition,
        record.offset,
        printable(dead.problem, LONGEST_PROBLEM),
        extra={"fields": {"topic": record.topic, "partition": record.partition, "offset": record.offset}},
    )
