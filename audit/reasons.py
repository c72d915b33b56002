"""What the detector tells in the headers that it adds, held against what the law says."""

import re
from collections.abc import Sequence
from decimal import Decimal

from audit.law import Destination, Verdict
from messaging.batch import Headers

REASON, SCORE, SHADOW_REASON, FAILED = "fraud.reason", "fraud.score", "shadow.reason", "rule.failed"
ADDED = (REASON, SCORE, SHADOW_REASON, FAILED)  # in this order
_LONGEST_REASON = 256
_NUMBER = re.compile(rb"[0-9]+(\.[0-9]+)?")


def tells(added: Headers, verdict: Verdict) -> bool:
    """Tell whether the headers name the rules that hit, in their order, and the score; not what the rules saw.

    No others are among them, and each kind is in its place, see origins.py. Of what is nested deeper than every parser
    reads nothing is known.
    """
    if verdict.belongs is Destination.ANYWHERE:
        return True
    is_fraud = verdict.belongs is Destination.FRAUD
    if not (added or is_fraud or verdict.shadow):
        return True  # as of most records
    values = {name: [value or b"" for other, value in added if other == name] for name in ADDED}
    return (
        _name(values[REASON], verdict.reasons if is_fraud else ())
        and _name(values[SHADOW_REASON], verdict.shadow)
        and list(map(_number, values[SCORE])) == ([verdict.score] if is_fraud else [])
        and _say(values[FAILED], verdict.failed if is_fraud else None)
    )


def _name(reasons: Sequence[bytes], labels: Sequence[str]) -> bool:
    """Tell whether reasons are those of these rules, or of the first of them and `and so many more`."""
    if reasons and reasons[-1] == b"and %d more" % (len(labels) - len(reasons) + 1):
        reasons = reasons[:-1]
        labels = labels[: len(reasons)]
    return len(reasons) == len(labels) and all(map(bytes.startswith, reasons, map(_beginning, labels)))


def _beginning(label: str) -> bytes:
    return f"{label}: "[:_LONGEST_REASON].encode(errors="replace")


def _number(score: bytes) -> Decimal | None:
    return Decimal(score.decode()) if _NUMBER.fullmatch(score) else None


def _say(problems: Sequence[bytes], failed: str | None) -> bool:
    expected = [] if failed is None else [f"rule {failed} failed".encode(errors="replace")]
    return len(problems) == len(expected) and all(map(bytes.startswith, problems, expected))
