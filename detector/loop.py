"""The detector's loop: poll, route, commit. A batch is visible as a whole or not at all; an aborted one comes again.

Judging ends after about a second: what was judged by then is committed, the rest is polled again. A stop is checked for
between two records: the rest of the batch is not judged, and nothing of it is committed.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from decision.decision import Decision
from detector.assignment import Assignment
from detector.batch_limit import MOST_SECONDS, BatchLimit
from detector.outputs import Outputs
from detector.provenance import Provenance
from detector.reference import Reference
from detector.report import Report
from detector.routing import Outcome, dead_letter, route
from detector.rule_failures import RuleFailures
from detector.standstill import StandstillReport
from messaging.batch import Batch, Message, Record
from messaging.seam import BatchAborted, ClientFailed, MessageRefused, Processor
from messaging.supervisor import Failures
from runtime.health import Heartbeat
from runtime.stop import Stop
from runtime.timing import now_ms

POLL_SECONDS = 0.5
_POLL_SECONDS_WHILE_STARTING = 0.05
_MOST_ABORTS = 10
_PAUSE_AFTER_ABORT_SECONDS = 0.2
_MOST_SECONDS_IN_HAND = 30.0  # well below the time after which a group gives up a member that does not poll

Routed = Sequence[tuple[Message, Outcome]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Detector:
    """All that the loop works with, for as long as its client lives."""

    processor: Processor
    assignment: Assignment
    decision: Decision
    reference: Reference
    provenance: Provenance
    failures: RuleFailures
    limit: BatchLimit
    outputs: Outputs
    report: Report
    heartbeat: Heartbeat
    clients: Failures
    stop: Stop
    standstills: StandstillReport = field(default_factory=StandstillReport)


def run(detector: Detector) -> None:
    """Judge until a stop is asked for. Raises ClientFailed, and ServiceFailed when rules keep failing."""
    aborts = 0
    while not detector.stop.requested:
        detector.heartbeat.beat()
        if detector.reference.has_changed():
            take_up(detector)
        aborts = 0 if poll_and_judge(detector) else aborts + 1
        if aborts >= _MOST_ABORTS:
            raise ClientFailed(f"{aborts} consecutive batches aborted")
        if aborts:
            detector.stop.wait(_PAUSE_AFTER_ABORT_SECONDS)
        if not detector.stop.requested:  # what a stop has left of a batch is not in the lag
            detector.standstills.report(detector.processor.waiting_for)
            detector.report.summary(detector.processor.lag)


def take_up(detector: Detector) -> None:
    """Judge by the rules and lists as they are in their topics now."""
    rules, lists = detector.reference.books
    detector.decision.take_up(rules, lists)
    detector.report.rule_counts.follow(rules)
    detector.provenance.judge_with(detector.decision.basis)
    text = f"; lists: version {lists.version}, {lists}" if lists.version else ""
    logger.info("rules: version %d in force: %s%s", rules.version, detector.decision.rules, text)


def poll_and_judge(detector: Detector) -> bool:
    """Poll one batch and judge it; start partitions that can be. Returns False where it was aborted: it comes again."""
    assignment = detector.assignment
    seconds = _POLL_SECONDS_WHILE_STARTING if assignment.is_starting else POLL_SECONDS
    batch = detector.processor.poll(seconds, detector.limit.size)
    assignment.change(batch)
    detector.provenance.change(batch)
    for partition, (sought, first) in batch.skipped.items():
        detector.report.skipped(assignment.topic, partition, sought, first)
    is_aborted = not (batch.is_empty or judge(detector, batch))
    detector.clients.polled(is_undisturbed=batch.member is not None and not is_aborted)
    if not is_aborted:
        assignment.start()
    return not is_aborted


def judge(detector: Detector, batch: Batch) -> bool:
    """Judge a batch and commit it, as far as there is time: the rest is polled again. Returns False if all was aborted.

    Where a topic refuses a message for good, ever smaller pieces are committed, until the record stands alone; no poll
    comes between.
    """
    deadline = time.monotonic() + _MOST_SECONDS_IN_HAND
    whole, most, is_late = batch, len(batch.records), False
    while not (batch.is_empty or is_late or detector.stop.requested):
        piece, _ = batch.split(most)
        try:
            committed = judge_piece(detector, piece)
        except MessageRefused:
            most = len(piece.records) // 2
            detector.heartbeat.beat()
            continue
        except BatchAborted as aborted:
            what = f"batch of {len(batch.records)} records" if batch.records else "new offset"
            logger.warning("%s aborted, reading it again: %s", what, aborted)
            detector.processor.rewind(batch)
            return batch is not whole
        is_late = committed < len(piece.records) or time.monotonic() > deadline
        _, batch = batch.split(committed)
        most *= 2
        if not batch.is_empty:
            detector.heartbeat.beat()
    if not (batch.is_empty or detector.stop.requested):
        detector.processor.rewind(batch)
    return True


def judge_piece(detector: Detector, piece: Batch) -> int:
    """Judge and commit what can be in time; return how many records that are. Raises BatchAborted.

    A record that stands alone is a dead letter where a topic refuses it; of several, MessageRefused is raised.
    """
    begin = time.monotonic()
    routed = route_in_time(detector, piece.records, begin + MOST_SECONDS)
    if detector.stop.requested:
        detector.stop.end_a_child()
        return 0
    judging_seconds = time.monotonic() - begin
    judged, others = piece.split(len(routed))
    try:
        commit(detector, judged, routed)
    except MessageRefused as refused:
        if len(piece.records) > 1:
            raise
        commit_alone(detector, piece, routed, refused)
    finally:
        throttled_seconds = detector.processor.throttled_seconds()
        detector.limit.follow(len(routed), judging_seconds, throttled_seconds, in_time=not others.records)
    wait_for_quota(detector, throttled_seconds)
    return len(routed)


def wait_for_quota(detector: Detector, seconds: float) -> None:
    """Wait until the broker takes the next batch at once: its Kafka transaction would time out meanwhile."""
    deadline = time.monotonic() + min(seconds, _MOST_SECONDS_IN_HAND)
    while not detector.stop.requested and (left := deadline - time.monotonic()) > 0:
        detector.heartbeat.beat()
        detector.stop.wait(min(left, 1.0))


def route_in_time(detector: Detector, records: Sequence[Record], deadline: float) -> Routed:
    """Return what follows from the records, up to the deadline, or to where a stop is asked for."""
    stop, outputs, decision = detector.stop, detector.outputs, detector.decision
    routed, now, clock = [], now_ms(), time.monotonic
    with stop.while_waiting_for("a rule of FRAUD_RULES to answer"):
        for record in records:
            if stop.requested:
                break
            routed.append(route(record, decision, outputs, now))
            if clock() > deadline:
                break
    return routed


def commit(detector: Detector, batch: Batch, routed: Routed) -> None:
    """Commit and report what follows from a batch. Raises BatchAborted, and ServiceFailed when rules keep failing."""
    outcomes = [outcome for _, outcome in routed]
    failures = detector.failures.with_these(outcomes)
    messages = [message for message, _ in routed]
    detector.processor.commit(batch, [*messages, *detector.provenance.notes(batch)])
    detector.provenance.committed()
    detector.failures.in_a_row = failures
    detector.report.batch(outcomes)


def commit_alone(detector: Detector, single: Batch, routed: Routed, refused: MessageRefused) -> None:
    """Commit a record that stands alone and was refused in these words: as a dead letter, unless it was its note."""
    if notes := detector.provenance.notes(single):
        commit_notes(detector, single, notes)
        try:
            commit(detector, single, routed)
        except MessageRefused as again:
            refused = again
        else:
            return
    commit_dead_letter(detector, single, refused)


def commit_notes(detector: Detector, single: Batch, notes: Sequence[Message]) -> None:
    """Commit what a record is going to be judged with, and nothing that follows from it yet."""
    before = replace(single, records=(), ends=single.first_offsets())
    try:
        detector.processor.commit(before, notes)
    except MessageRefused as refused:
        raise ClientFailed(f"cannot note what is judged with (PROVENANCE_TOPIC): {refused}") from refused
    detector.provenance.committed()


def commit_dead_letter(detector: Detector, single: Batch, refused: MessageRefused) -> None:
    """Commit a batch of one record, which a topic has refused in these words, as a dead letter."""
    [record] = single.records
    try:
        commit(detector, single, [dead_letter(record, detector.outputs, now_ms(), f"refused by the topic: {refused}")])
    except MessageRefused as again:
        raise ClientFailed(f"cannot write a dead letter: {again}") from again
