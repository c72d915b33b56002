"""From the record that was read to the message that is written: read, judge, choose the topic; or a dead letter."""

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from detector.rules import Rule
from detector.verdict import RuleFailed, Verdict, judge
from messaging.message_size import batch_bytes
from messaging.seam import ANY_TIME_MS, Headers, Message, Record
from payments.transaction import InvalidTransaction, read_transaction

REASON_HEADER = "fraud.reason"
ERROR_HEADER = "__detector.errors."
LONGEST_PROBLEM = 512
_MOST_OVERHEAD_BYTES = 128
_MOST_HEADER_OVERHEAD_BYTES = 10
_MOST_BYTES_A_CHARACTER = 4


class Routes(Struct, frozen=True):
    """The rules and where the verdicts lead.

    `keeps_partition` names the topics that have as many partitions as the one that is read; `max_message_bytes` is the
    largest record batch that all of them take. Around `now`, in milliseconds since the epoch, they take timestamps of
    so many milliseconds before, and of so many after.
    """

    rules: Sequence[Rule]
    fraud: str
    legit: str
    dead_letter: str
    keeps_partition: Collection[str]
    max_message_bytes: int
    most_before_ms: int = ANY_TIME_MS
    most_after_ms: int = ANY_TIME_MS
    now: int = 0


class DeadLetter(Struct, frozen=True, gc=False):
    """A record that got no verdict, and the problem with it; `rule_failed` where a rule is to blame."""

    record: Record
    problem: str
    rule_failed: bool


Outcome = Verdict | DeadLetter


def route(record: Record, routes: Routes) -> tuple[Message, Outcome]:
    """Return the one message that follows from the record, and why. Never raises, whatever the bytes."""
    if record.problem is not None:
        return _dead_letter(record, routes, record.problem, rule_failed=False)
    try:
        verdict = judge(read_transaction(record.value), routes.rules)
    except (InvalidTransaction, RuleFailed) as error:
        return _dead_letter(record, routes, str(error), rule_failed=isinstance(error, RuleFailed))
    message = (
        _fraud(record, routes, verdict) if verdict.reasons else _message(record, routes, routes.legit, record.headers)
    )
    if not _is_timely(record, routes):
        problem = f"its timestamp {record.timestamp} is none that is taken"
        return _dead_letter(record, routes, problem, rule_failed=False)
    if not _fits(message, routes):
        problem = f"its {batch_bytes(message)} bytes uncompressed are more than the {routes.max_message_bytes} allowed"
        return _dead_letter(record, routes, problem, rule_failed=False)
    return message, verdict


def _fraud(record: Record, routes: Routes, verdict: Verdict) -> Message:
    reasons = [(REASON_HEADER, reason.encode()) for reason in verdict.reasons]
    message = _message(record, routes, routes.fraud, [*record.headers, *reasons])
    return message if _fits(message, routes) else replace(message, headers=record.headers)


def _dead_letter(record: Record, routes: Routes, problem: str, *, rule_failed: bool) -> tuple[Message, DeadLetter]:
    problem = problem[:LONGEST_PROBLEM]
    coordinates = [
        (ERROR_HEADER + "topic", record.topic.encode()),
        (ERROR_HEADER + "partition", str(record.partition).encode()),
        (ERROR_HEADER + "offset", str(record.offset).encode()),
        (ERROR_HEADER + "message", problem.encode(errors="replace")),
    ]
    whole = _message(record, routes, routes.dead_letter, [*record.headers, *coordinates])
    without_value = replace(whole, value=None)
    smallest = replace(without_value, key=None, headers=coordinates)
    message = next((smaller for smaller in (whole, without_value) if _fits(smaller, routes)), smallest)
    if not _is_timely(record, routes):
        message = replace(message, value=None, timestamp=routes.now)
    return message, DeadLetter(record, problem, rule_failed)


def _message(record: Record, routes: Routes, topic: str, headers: Headers) -> Message:
    partition = record.partition if topic in routes.keeps_partition else None
    return Message(topic, record.key, record.value, headers, record.timestamp, partition)


def _is_timely(record: Record, routes: Routes) -> bool:
    return -routes.most_after_ms <= routes.now - record.timestamp <= routes.most_before_ms


def _fits(message: Message, routes: Routes) -> bool:
    """Say whether the topics take it; its size is counted only where a bound on it does not answer that."""
    most = _MOST_OVERHEAD_BYTES + len(message.value or b"") + len(message.key or b"")
    if message.headers:
        most += sum(_most_header_bytes(name, value) for name, value in message.headers)
    return most <= routes.max_message_bytes or batch_bytes(message) <= routes.max_message_bytes


def _most_header_bytes(name: str, value: bytes | None) -> int:
    return _MOST_HEADER_OVERHEAD_BYTES + _MOST_BYTES_A_CHARACTER * len(name) + len(value or b"")
