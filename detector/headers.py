"""What the detector writes beside a record that got a verdict: why, and how much that counted."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from decision.header_names import FAILED, REASON, SCORE, SHADOW_REASON
from decision.verdict import Hit, Verdict
from messaging.batch import Headers

LONGEST_PROBLEM = 512
_MOST_BYTES = 8_000


def headers_of(verdict: Verdict) -> Headers:
    """Return what is added to the headers of fraud, or, with shadow reasons alone, of what is legit."""
    if not verdict.is_fraud:
        return _reasons(SHADOW_REASON, verdict.shadow, _MOST_BYTES)
    added = _reasons(REASON, verdict.hits, _MOST_BYTES)
    left = _MOST_BYTES - sum(len(reason) for _, reason in added)
    added.append((SCORE, _written(verdict.score)))
    added += _reasons(SHADOW_REASON, verdict.shadow, left)
    if verdict.failed is not None:
        added.append((FAILED, verdict.failed[:LONGEST_PROBLEM].encode(errors="replace")))
    return added


@lru_cache(maxsize=1_000)
def _written(score: Decimal) -> bytes:
    return f"{score:f}".encode()


def _reasons(name: str, hits: Sequence[Hit], most: int) -> list[tuple[str, bytes]]:
    """Return a header for each hit, up to so many bytes together; one more says how many others there are."""
    added: list[tuple[str, bytes]] = []
    for hit in hits:
        reason = hit.reason.encode(errors="replace")
        most -= len(reason)
        if most < 0:
            return [*added, (name, f"and {len(hits) - len(added)} more".encode())]
        added.append((name, reason))
    return added
