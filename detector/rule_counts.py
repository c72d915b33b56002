"""How often each rule has hit and has been undecided, and how a candidate compares with the rule it may replace."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from decision.rulebook import RuleBook
from decision.verdict import Verdict, candidate_label

_MOST_SHOWN = 10
_BOTH, _ONLY_RULE, _ONLY_CANDIDATE = "both", "only the rule", "only the candidate"


class RuleCounts:
    """Counts of committed transactions by the rules' names; `on_fraud` are the hits of live rules on what is fraud."""

    def __init__(self) -> None:
        self.on_fraud: Counter[str] = Counter()
        self._on_legit: Counter[str] = Counter()
        self._shadow: Counter[str] = Counter()
        self._undecided: Counter[str] = Counter()
        self._versions: Mapping[str, int] = {}
        self._compared: dict[str, Counter[str]] = {}

    def follow(self, book: RuleBook) -> None:
        """Take note of the rules that are asked from now on: what has changed is compared from now on, too."""
        versions = {name: book.versions[name] for name, held in book.held.items() if held.candidate}
        kept = {name for name, version in versions.items() if self._versions.get(name) == version}
        self._compared = {name: self._compared[name] if name in kept else Counter() for name in versions}
        self._versions = versions

    def add(self, verdict: Verdict) -> None:
        """Count what a verdict has found."""
        live = self.on_fraud if verdict.is_fraud else self._on_legit
        for hit in verdict.hits:
            live[hit.rule] += 1
        for hit in verdict.shadow:
            self._shadow[hit.rule] += 1
        for name in verdict.undecided:
            self._undecided[name] += 1
        if self._compared:
            self._compare(verdict)

    def _compare(self, verdict: Verdict) -> None:
        hits, shadow = ([hit.rule for hit in found] for found in (verdict.hits, verdict.shadow))
        for name, counts in self._compared.items():
            is_hit, is_candidates = name in hits or name in shadow, candidate_label(name) in shadow
            if is_hit or is_candidates:
                counts[_BOTH if is_hit and is_candidates else _ONLY_RULE if is_hit else _ONLY_CANDIDATE] += 1

    def texts(self) -> Mapping[str, str]:
        """Return for a line of the log what there is besides frauds, by what it is."""
        counted = {"hits on legit": self._on_legit, "in shadow": self._shadow, "undecided": self._undecided}
        compared = {f"{name} and its candidate": counts for name, counts in self._compared.items()}
        return {what: f"({counts_in_words(counts)})" for what, counts in {**counted, **compared}.items() if counts}

    def fields(self) -> Mapping[str, Any]:
        """Return all counts for a log that programs read."""
        return {
            "fraud_by_rule": dict(self.on_fraud),
            "legit_by_rule": dict(self._on_legit),
            "shadow_by_rule": dict(self._shadow),
            "undecided_by_rule": dict(self._undecided),
            "candidates": {name: dict(counts) for name, counts in self._compared.items()},
        }


def counts_in_words(counts: Counter[str]) -> str:
    """Return the ten largest counts, and how many more there are: `amount_over_threshold 41, night_abroad 3`."""
    shown = [f"{name} {count:,}" for name, count in counts.most_common(_MOST_SHOWN)]
    more = len(counts) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])
