"""Counts how often rules of code fail in a row: that is what tells a bad deployment from bad data."""

from collections.abc import Sequence

from decision.verdict import Verdict
from detector.headers import LONGEST_PROBLEM
from detector.routing import DeadLetter, Outcome
from runtime.logs import printable
from runtime.service import ServiceFailed


class RuleFailures:
    """Counts consecutive records on which a rule failed: so many are a bad deployment, not bad data.

    Of a record that is no transaction no rule was asked: it counts neither way.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_a_row = 0  # of what has been committed

    def with_these(self, outcomes: Sequence[Outcome]) -> int:
        """Return how many are in a row when these are committed. Raises ServiceFailed when the limit is reached."""
        in_a_row = self.in_a_row
        for outcome in outcomes:
            if isinstance(outcome, Verdict) and outcome.failed is None:
                in_a_row = 0
                continue
            in_a_row += outcome.rule_failed if isinstance(outcome, DeadLetter) else 1
            if in_a_row >= self._limit:
                said = outcome.problem if isinstance(outcome, DeadLetter) else outcome.failed
                problem = printable(said or "", LONGEST_PROBLEM)
                raise ServiceFailed(f"{problem}; {in_a_row} consecutive failures (DEAD_LETTER_LIMIT): fix FRAUD_RULES")
        return in_a_row
