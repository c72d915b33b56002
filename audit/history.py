"""The rules as they were at each version."""

from collections.abc import Iterable, Sequence

from audit.rules import NO_RULES, THRESHOLD_RULE, DataRule, Version
from decision.history import Fate, Reading
from decision.rule import Rule
from decision.rulebook import RuleBook
from messaging.batch import Record

_Named = tuple[str, Rule]


class RulesHistory:
    """Takes the records of the topic of rules, in their order.

    `has_gaps`: some are not understood here, so later versions may have other rules than they had for others.
    """

    def __init__(self) -> None:
        self._book = RuleBook()
        self._rules: dict[tuple[str, str, str, str, bool], DataRule] = {}
        self._now = NO_RULES
        self._versions = {Reading(): NO_RULES}
        self.has_gaps = False

    def take(self, record: Record) -> str:
        """Take the next record; return what is wrong with it where it cannot be understood, else ""."""
        entry = self._book.take(record.offset, record.value)
        if entry.fate is Fate.APPLIED:
            self._now = self._version()
        self._versions[self._book.reading] = self._now
        self.has_gaps |= entry.fate is Fate.INVALID
        return entry.problem if entry.fate is Fate.INVALID else ""

    def at(self, reading: Reading) -> Version | None:
        """Return the rules as who had read so far knew them; None where that was another topic than this one."""
        return self._versions.get(reading)

    def _version(self) -> Version:
        held = self._book.held
        first = [THRESHOLD_RULE] if THRESHOLD_RULE in held else []
        names = dict.fromkeys([*first, *held])
        rules = [(name, rule) for name in names if (rule := held[name].rule)]
        candidates = [(name, rule) for name in names if (rule := held[name].candidate)]
        shadow = [*self._known(_of_mode("shadow", rules)), *self._known(candidates, are_candidates=True)]
        has_threshold = THRESHOLD_RULE not in dict(rules)
        return Version(has_threshold, tuple(self._known(_of_mode("live", rules))), tuple(shadow))

    def _known(self, rules: Iterable[_Named], *, are_candidates: bool = False) -> Sequence[DataRule]:
        """Return rules as they are asked; what is the same in several versions is one."""
        keys = [(name, rule.when, rule.points, rule.share, are_candidates) for name, rule in rules]
        return [
            self._rules.get(key) or self._rules.setdefault(key, DataRule(*key[:4], is_candidate=key[4])) for key in keys
        ]


def _of_mode(mode: str, rules: Iterable[_Named]) -> Sequence[_Named]:
    return [(name, rule) for name, rule in rules if rule.mode == mode]
