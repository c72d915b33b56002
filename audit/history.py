"""The rules as they changed over time, and which versions of them may have judged a record.

Which version it was is recorded nowhere. The detector takes a change up within 2 s, and may judge a record long
after the record's time. So all versions are in question that were in force shortly before that time, or later.
"""

from bisect import bisect_left
from collections.abc import Iterable

from audit.rules import THRESHOLD_RULE, DataRule, InQuestion, Version
from decision.rule import Rule
from decision.rulebook import Fate, RuleBook
from messaging.batch import Record

MOST_BEFORE_MS = 10_000  # to take a change up needs 2 s, and the clocks of producers, brokers and detectors differ


class History:
    """Takes the records of the topic of rules, in their order; without any, FRAUD_THRESHOLD holds alone."""

    def __init__(self) -> None:
        self._book = RuleBook()
        self._rules: dict[tuple[str, str, str, str], DataRule] = {}
        self._versions = [Version(has_threshold=True)]
        self._ends: list[int] = []  # of all but the last, in ms since the epoch; ascending
        self._in_question: dict[int, InQuestion] = {}  # by the first of them
        self._firsts: set[int] = set()

    def take(self, record: Record) -> str:
        """Take the next record; return what is wrong with it where it cannot be understood, else ""."""
        entry = self._book.take(record.offset, record.value)
        if entry.fate is Fate.INVALID:
            return entry.problem
        if entry.fate is Fate.APPLIED:
            self._add(self._version(), record.timestamp)
        return ""

    def at(self, record_ms: int) -> InQuestion:
        """Return the versions by which a record with this timestamp, in ms since the epoch, may have been judged."""
        first = bisect_left(self._ends, record_ms - MOST_BEFORE_MS)
        if first not in self._in_question:
            self._firsts.add(first)
            self._in_question[first] = InQuestion(tuple(dict.fromkeys(self._versions[first:])))
        return self._in_question[first]

    @property
    def count(self) -> int:
        """How many different versions there are of which one was in question at least once, or which came later."""
        return len(set(self._versions[min(self._firsts, default=len(self._ends)) :]))

    def _add(self, version: Version, begin: int) -> None:
        """Take note of a version; one that was written by a clock that is behind ends no version before its time."""
        self._ends.append(max([begin, *self._ends[-1:]]))
        self._versions.append(version)
        self._in_question.clear()

    def _version(self) -> Version:
        rules = {name: held.rule for name, held in self._book.held.items() if held.rule}
        candidates = [(name, held.candidate) for name, held in self._book.held.items() if held.candidate]
        shadow = [*_of_mode("shadow", rules), *candidates]
        return Version(THRESHOLD_RULE not in rules, self._known(_of_mode("live", rules)), self._known(shadow))

    def _known(self, rules: Iterable[tuple[str, Rule]]) -> tuple[DataRule, ...]:
        """Return rules as they are asked; what is the same in several versions is one, and is asked once."""
        keys = [(name, rule.when, rule.points, rule.share) for name, rule in rules]
        return tuple(self._rules.setdefault(key, DataRule(*key)) for key in keys)


def _of_mode(mode: str, rules: dict[str, Rule]) -> list[tuple[str, Rule]]:
    return [(name, rule) for name, rule in rules.items() if rule.mode == mode]
