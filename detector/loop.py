"""The detector's loop: poll, route, commit. A batch is visible as a whole or not at all; an aborted one comes again.

A stop is checked for between two records: the rest of the batch is not judged, and nothing of it is committed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from detector.assignment import Assignment
from detector.outputs import Outputs
from detector.report import Report
from detector.routing import LONGEST_PROBLEM, DeadLetter, Outcome, route
from detector.rules import Rule
from messaging.seam import Batch, BatchAborted, ClientFailed, Message, Processor
from runtime.health import Heartbeat
from runtime.logs import printable
from runtime.service import ServiceFailed
from runtime.stop import Stop
from runtime.timing import now_ms

POLL_SECONDS = 0.5
_POLL_SECONDS_WHILE_STARTING = 0.05
_MOST_ABORTS = 10
_PAUSE_AFTER_ABORT_SECONDS = 0.2

logger = logging.getLogger(__name__)


class RuleFailures:
    """Counts consecutive records on which a rule failed: so many are a bad deployment, not bad data."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_a_row = 0

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Raise ServiceFailed when the limit is reached."""
        for outcome in outcomes:
            if not (isinstance(outcome, DeadLetter) and outcome.rule_failed):
                self._in_a_row = 0
                continue
            self._in_a_row += 1
            if self._in_a_row >= self._limit:
                problem = printable(outcome.problem, LONGEST_PROBLEM)
                raise ServiceFailed(
                    f"{problem}; {self._in_a_row} consecutive failures (DEAD_LETTER_LIMIT): fix FRAUD_RULES"
                )


@dataclass(frozen=True)
class Detector:
    """All that the loop works with, for as long as its client lives."""

    processor: Processor
    assignment: Assignment
    rules: Sequence[Rule]
    failures: RuleFailures
    outputs: Outputs
    report: Report
    heartbeat: Heartbeat
    stop: Stop


def run(detector: Detector) -> None:
    """Judge until a stop is asked for. Raises ClientFailed, and ServiceFailed when rules keep failing."""
    aborts = 0
    while not detector.stop.requested:
        detector.heartbeat.beat()
        aborts = 0 if poll_and_judge(detector) else aborts + 1
        if aborts >= _MOST_ABORTS:
            raise ClientFailed(f"{aborts} consecutive batches aborted")
        if aborts:
            detector.stop.wait(_PAUSE_AFTER_ABORT_SECONDS)
        detector.report.summary(detector.processor.lag)


def poll_and_judge(detector: Detector) -> bool:
    """Poll one batch and judge it; start partitions that can be. Returns False where it was aborted: it comes again."""
    assignment = detector.assignment
    batch = detector.processor.poll(_POLL_SECONDS_WHILE_STARTING if assignment.is_starting else POLL_SECONDS)
    assignment.change(batch)
    if batch.records and not judge(detector, batch):
        return False
    assignment.start()
    return True


def judge(detector: Detector, batch: Batch) -> bool:
    """Route a batch, commit it and report it. Returns False where it was aborted."""
    routed = route_all(detector, batch)
    if detector.stop.requested:
        detector.stop.end_a_child()
        return True
    outcomes = [outcome for _, outcome in routed]
    detector.failures.check(outcomes)
    try:
        detector.processor.commit(batch, [message for message, _ in routed])
    except BatchAborted as aborted:
        logger.warning("batch of %d records aborted, reading it again: %s", len(batch.records), aborted)
        return False
    detector.report.batch(outcomes)
    return True


def route_all(detector: Detector, batch: Batch) -> Sequence[tuple[Message, Outcome]]:
    """Return what follows from the records, up to where a stop is asked for."""
    stop, rules, outputs, now = detector.stop, detector.rules, detector.outputs, now_ms()
    routed = []
    with stop.while_waiting_for("a rule of FRAUD_RULES to answer"):
        for record in batch.records:
            if stop.requested:
                break
            routed.append(route(record, rules, outputs, now))
    return routed
