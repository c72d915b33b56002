"""A line in the log for each verdict that is to be shown."""

import logging
from collections.abc import Collection

from decision.leaves import FIELD, written_field
from decision.verdict import FRAUD_POINTS, Hit, Values, Verdict, reason
from payments.mapping import Path
from runtime.logs import printable

_LONGEST_REASON = 128
_MOST_SHOWN = 5
_NOT_SHOWN = "***"
_ANY_FIELD = f"{FIELD}["

logger = logging.getLogger("detector.report")


class VerdictLog:
    """Logs verdicts: `show` is all, fraud or none (LOG_TRANSACTIONS), `shown_fields` those whose values may be seen."""

    def __init__(self, show: str, shown_fields: Collection[Path] = ()) -> None:
        self.shows_legit = show == "all"
        self._shows_fraud = show != "none"
        self._shown = set(map(written_field, shown_fields))

    def write(self, verdict: Verdict, *, is_fraud: bool) -> None:
        """Log a verdict if verdicts of its kind are to be shown."""
        if self._shows_fraud if is_fraud else self.shows_legit:
            self._write("FRAUD" if is_fraud else "LEGIT", verdict)

    def _write(self, label: str, verdict: Verdict) -> None:
        paid = verdict.transaction
        reasons = [self._reason(hit) for hit in verdict.hits]
        shadow_reasons = [self._reason(hit) for hit in verdict.shadow]
        fields = {
            "verdict": label.lower(),
            "id": paid.id,
            "amount": str(paid.amount),
            "currency": paid.currency,
            "source": paid.source,
            "target": paid.target,
            "reasons": reasons,
            "score": str(verdict.score),
            "shadow_reasons": shadow_reasons,
            "failed": verdict.failed,
        }
        amount, currency, source, target = map(printable, (str(paid.amount), paid.currency, paid.source, paid.target))
        said = [
            *reasons,
            *(f"in shadow, {text}" for text in shadow_reasons),
            *([verdict.failed] if verdict.failed else []),
        ]
        points = [f"{verdict.score:f} points"] if verdict.hits and verdict.score != FRAUD_POINTS else []
        more = [f"and {len(said) - _MOST_SHOWN} more"] if len(said) > _MOST_SHOWN else []
        why = "".join(f"  {printable(text, _LONGEST_REASON)}" for text in (*said[:_MOST_SHOWN], *more, *points))
        extra = {"label": label, "emphasis": amount, "fields": fields}
        logger.info("%10s %s  %s -> %s%s", amount, currency, source, target, why, extra=extra)

    def _reason(self, hit: Hit) -> str:
        return reason(hit.rule, self._without_hidden(hit.saw))

    def _without_hidden(self, saw: Values) -> Values:
        """Return what a rule saw, without the values of fields that are not to be shown."""
        return [
            (written, _NOT_SHOWN if written.startswith(_ANY_FIELD) and written not in self._shown else value)
            for written, value in saw
        ]
