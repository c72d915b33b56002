"""From the record that was read to the message that is written: read, judge, choose the topic; or a dead letter."""

from msgspec import Struct
from msgspec.structs import replace

from decision.decision import Decision
from decision.header_names import OF_DEAD_LETTERS
from decision.verdict import Verdict
from detector.headers import LONGEST_PROBLEM, headers_of
from detector.outputs import Outputs
from messaging.batch import Headers, Message, Record
from messaging.message_size import batch_bytes
from payments.transaction import InvalidTransaction

_MOST_OVERHEAD_BYTES = 128
_MOST_HEADER_OVERHEAD_BYTES = 10
_MOST_BYTES_A_CHARACTER = 4


class DeadLetter(Struct, frozen=True, gc=False):
    """A record that got no verdict, and the problem with it; `rule_failed` where a rule is to blame."""

    record: Record
    problem: str
    rule_failed: bool


Outcome = Verdict | DeadLetter


def route(record: Record, decision: Decision, outputs: Outputs, now: int) -> tuple[Message, Outcome]:
    """Return the one message that follows from the record, and why. Never raises, whatever the bytes.

    `now` is the time in milliseconds since the epoch.
    """
    if record.problem is not None:
        return dead_letter(record, outputs, now, record.problem)
    if not _is_timely(record, outputs, now):
        problem = f"timestamp {record.timestamp} is outside the range that the output topics accept"
        return dead_letter(record, outputs, now, problem)
    try:
        verdict = decision.judge(record)
    except InvalidTransaction as error:
        return dead_letter(record, outputs, now, str(error))
    if verdict.failed is not None and not verdict.is_fraud:
        return dead_letter(record, outputs, now, verdict.failed, rule_failed=True)
    if verdict.hits or verdict.shadow:
        message = _with_reasons(record, outputs, verdict)
    else:
        message = _message(record, outputs, outputs.legit, record.headers)
    if (record.key is None and message.topic in outputs.need_keys) or not _fits(message, outputs):
        return dead_letter(record, outputs, now, _why_not_taken(message, outputs))
    return message, verdict


def _with_reasons(record: Record, outputs: Outputs, verdict: Verdict) -> Message:
    """Return the message of a verdict, with what that adds to the headers as far as the topics take so much."""
    topic = outputs.fraud if verdict.is_fraud else outputs.legit
    message = _message(record, outputs, topic, [*record.headers, *headers_of(verdict)])
    return message if _fits(message, outputs) else replace(message, headers=record.headers)


def dead_letter(
    record: Record, outputs: Outputs, now: int, problem: str, *, rule_failed: bool = False
) -> tuple[Message, DeadLetter]:
    """Return the dead letter that follows from a record with this problem, as large as the topics accept."""
    problem = problem[:LONGEST_PROBLEM]
    place = (record.topic.encode(), str(record.partition).encode(), str(record.offset).encode())
    coordinates = [*zip(OF_DEAD_LETTERS, (*place, problem.encode(errors="replace")), strict=True)]
    whole = _message(record, outputs, outputs.dead_letter, [*record.headers, *coordinates])
    without_value = replace(whole, value=None)
    smallest = replace(without_value, key=None, headers=coordinates)
    message = next((smaller for smaller in (whole, without_value) if _fits(smaller, outputs)), smallest)
    if not _is_timely(record, outputs, now):
        message = replace(message, value=None, timestamp=now)
    return message, DeadLetter(record, problem, rule_failed)


def _message(record: Record, outputs: Outputs, topic: str, headers: Headers) -> Message:
    partition = record.partition if topic in outputs.keeps_partition else None
    return Message(topic, record.key, record.value, headers, record.timestamp, partition)


def _is_timely(record: Record, outputs: Outputs, now: int) -> bool:
    return -outputs.most_after_ms <= now - record.timestamp <= outputs.most_before_ms


def _fits(message: Message, outputs: Outputs) -> bool:
    """Say whether the topics take it; its size is counted only where a bound on it does not answer that."""
    most = _MOST_OVERHEAD_BYTES + len(message.value or b"") + len(message.key or b"")
    if message.headers:
        most += sum(_most_header_bytes(name, value) for name, value in message.headers)
    return most <= outputs.max_message_bytes or batch_bytes(message) <= outputs.max_message_bytes


def _why_not_taken(message: Message, outputs: Outputs) -> str:
    if message.key is None and message.topic in outputs.need_keys:
        return f"{message.topic} takes no record without a key (cleanup.policy=compact)"
    return f"{batch_bytes(message)} bytes uncompressed exceed max.message.bytes={outputs.max_message_bytes}"


def _most_header_bytes(name: str, value: bytes | None) -> int:
    return _MOST_HEADER_OVERHEAD_BYTES + _MOST_BYTES_A_CHARACTER * len(name) + len(value or b"")
