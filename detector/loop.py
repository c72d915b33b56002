"""The detector's loop: poll, route, commit. A batch is visible as a whole or not at all; an aborted one comes again.

A stop is looked at between two records: what is left of the batch is not judged, and nothing of it is committed.
"""

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from detector.report import Report
from detector.routing import LONGEST_PROBLEM, DeadLetter, Outcome, Routes, route
from messaging.seam import BatchAborted, ClientFailed, DetectorClient, Message, Record
from runtime.health import Heartbeat
from runtime.logs import printable
from runtime.service import ServiceFailed
from runtime.stop import Stop
from runtime.timing import now_ms

POLL_SECONDS = 0.5
_MOST_ABORTS = 10
_PAUSE_AFTER_ABORT_SECONDS = 0.2

logger = logging.getLogger(__name__)


class RuleFailures:
    """Counts records in a row on which a rule failed: so many are a bad deployment, not bad data."""

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
                raise ServiceFailed(f"{problem}; {self._in_a_row} in a row (DEAD_LETTER_LIMIT): mend FRAUD_RULES")


def run(
    client: DetectorClient, routes: Routes, failures: RuleFailures, report: Report, heartbeat: Heartbeat, stop: Stop
) -> None:
    """Judge until a stop is asked for. Raises ClientFailed, and ServiceFailed when rules keep failing."""
    aborts = 0
    while not stop.requested:
        heartbeat.beat()
        committed = judge_batch(client, routes, failures, report, stop)
        aborts = 0 if committed else aborts + 1
        if aborts >= _MOST_ABORTS:
            raise ClientFailed(f"{aborts} batches aborted in a row")
        if aborts:
            stop.wait(_PAUSE_AFTER_ABORT_SECONDS)
        report.summary(client.lag)


def judge_batch(client: DetectorClient, routes: Routes, failures: RuleFailures, report: Report, stop: Stop) -> bool:
    """Poll one batch, route it, commit it and report it. Returns False where it was aborted: it comes again."""
    records = client.poll(POLL_SECONDS)
    if not records:
        return True
    routed = route_all(records, replace(routes, now=now_ms()), stop)
    if stop.requested:
        stop.end_a_child()
        return True
    outcomes = [outcome for _, outcome in routed]
    failures.check(outcomes)
    try:
        client.commit([message for message, _ in routed])
    except BatchAborted as aborted:
        logger.warning("batch of %d aborted, to be read again: %s", len(records), aborted)
        return False
    report.batch(outcomes)
    return True


def route_all(records: Sequence[Record], routes: Routes, stop: Stop) -> Sequence[tuple[Message, Outcome]]:
    """Return what follows from the records, up to where a stop is asked for."""
    routed = []
    with stop.while_waiting_for("a rule of FRAUD_RULES to answer"):
        for record in records:
            if stop.requested:
                break
            routed.append(route(record, routes))
    return routed
