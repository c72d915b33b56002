"""Judges records once more, each by what it was judged with; and tells what of that cannot be known any more."""

from collections.abc import Sequence
from typing import NamedTuple

from audit.findings import ALTERED, MISROUTED, NOT_REPLAYABLE
from audit.history import RulesHistory
from audit.law import CodeRule, Destination, Law, judge
from audit.lists import ListsHistory
from audit.reasons import tells
from decision.history import Reading
from decision.note_history import Covering, NoteHistory
from decision.provenance import PRODUCT, TIME_ZONES, Basis, noted_settings
from messaging.batch import Headers, Record

NO_NOTE = "no note says what they were judged with"
NO_RULES = "the rules that are noted are not in the topic of rules, or not as they were"
NO_LISTS = "the lists that are noted are not in the topic of lists, or not as they were"
NO_SETTINGS = "the settings that are noted are not understood here"
NO_CODE = "a rule of code that is noted is missing in FRAUD_RULES here, or its file is another one"
MISSING_NOTE = "a note is missing or not understood, and by the one before it the verdict would be another one"
OTHER_EDITION = "another version of tzdata or of this program judged them, and here the verdict would be another one"


class Outcome(NamedTuple):
    """Nothing where an output is as it should be; else what it is instead, and, where that is not known, why not."""

    kind: str = ""
    cause: str = ""


FITS = Outcome()
_MILDEST_FIRST = (NOT_REPLAYABLE, ALTERED, MISROUTED)


class Replay:
    """What is known of the past. `code_rules` are those of today's FRAUD_RULES.

    `rule_versions` are the versions of the rules by which records have been judged here.
    """

    def __init__(
        self, notes: NoteHistory, rules: RulesHistory, lists: ListsHistory, code_rules: Sequence[CodeRule]
    ) -> None:
        self.rule_versions = set[Reading]()
        self._notes = notes
        self._rules = rules
        self._lists = lists
        self._code_rules = {(rule.name, rule.digest): rule for rule in code_rules if rule.digest}
        self._laws: dict[int, Law | str] = {}

    @property
    def bases(self) -> Sequence[Basis]:
        """All that has been noted, each once, in the order in which it was first."""
        return self._notes.bases

    def has_read_on(self) -> None:
        """Take note that more is known of the past now."""
        self._laws = {number: law for number, law in self._laws.items() if isinstance(law, Law)}

    def law_of(self, partition: int, offset: int) -> Law | None:
        """Return the law of a record of the input, the latest of several, None where it is not known."""
        laws = [self._law(covering.basis) for covering in self._notes.covering(partition, offset)]
        return next((law for law in reversed(laws) if isinstance(law, Law)), None)

    def outcome(self, came_in: Record, where: Destination, added: Headers, *, may_lack_added: bool = False) -> Outcome:
        """Hold an output against the record of the input that it follows from; these headers were added to it.

        They may be missing from a record that is about as large as the topics take. Where it may have been judged more
        than once, the output has to fit one of these times.
        """
        outcomes = []
        for covering in self._notes.covering(came_in.partition, came_in.offset):
            outcome = self._by(covering, came_in, where, None if may_lack_added and not added else added)
            if outcome == FITS:
                return FITS
            outcomes.append(outcome)
        return min(outcomes, key=_mildness, default=Outcome(NOT_REPLAYABLE, NO_NOTE))

    def _by(self, covering: Covering, came_in: Record, where: Destination, added: Headers | None) -> Outcome:
        law = self._law(covering.basis)
        if isinstance(law, str):
            return Outcome(NOT_REPLAYABLE, law)
        verdict = judge(came_in, law)
        if verdict.belongs not in (where, Destination.ANYWHERE):
            kind = MISROUTED
        elif added is None or where is Destination.DEAD_LETTER or tells(added, verdict):
            return FITS
        else:
            kind = ALTERED
        if law.has_other_editions:
            return Outcome(NOT_REPLAYABLE, OTHER_EDITION)
        return Outcome(kind) if self._notes.is_certain(covering) else Outcome(NOT_REPLAYABLE, MISSING_NOTE)

    def _law(self, number: int) -> Law | str:
        law = self._laws.get(number)
        if law is None:
            law = self._laws[number] = self._worked_out(self._notes.bases[number])
        return law

    def _worked_out(self, basis: Basis) -> Law | str:
        rules, lists = self._rules.at(basis.rules), self._lists.at(basis.lists)
        code_rules = [self._code_rules.get((source.rule, source.digest)) for source in basis.code_rules]
        known = [rule for rule in code_rules if rule is not None]
        if rules is None:
            return NO_RULES
        if lists is None:
            return NO_LISTS
        try:
            settings = noted_settings(basis)
        except ValueError:
            return NO_SETTINGS
        if len(known) < len(code_rules):
            return NO_CODE
        self.rule_versions.add(basis.rules)
        is_other = (basis.product, basis.time_zones) != (PRODUCT, TIME_ZONES) and self._rules.has_gaps
        is_other |= basis.time_zones != TIME_ZONES and rules.asks_a_zone
        return Law(settings.fraud_threshold, known, settings.mapping, rules, lists, is_other)


def _mildness(outcome: Outcome) -> int:
    return _MILDEST_FIRST.index(outcome.kind)
