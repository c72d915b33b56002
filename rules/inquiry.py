"""Asks Kafka what a record was judged with, and explains its verdict by that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from decision.asked_rule import lists_named
from decision.code_rules import named_rules
from decision.history import Book, Reading
from decision.lists import ListBook
from decision.note_history import NoteHistory
from decision.provenance import Basis, Note, noted_settings
from decision.rule import Rule
from decision.rulebook import RuleBook
from decision.ruleset import asked_of
from messaging.batch import Place, Record, place_of
from messaging.history import HistoryTopic, history_topic
from rules.answer import Answer
from rules.changes import NotPossible
from rules.cluster import Cluster
from rules.explanation import explain
from rules.notes import groups_noted
from rules.origins import origin_of, output_of
from rules.replay import (
    NotReplayable,
    Replay,
    book_up_to,
    differences,
    with_code_rules,
    without_lists,
)
from rules.settings import RulesSettings
from rules.text import one_line
from runtime.service import ServiceFailed

B = TypeVar("B", bound=Book)
_RULES, _LISTS, _PROVENANCE = "rules", "lists", "provenance"
_UNCERTAIN = "a note is missing or not understood, so another one may have held"


@dataclass(frozen=True)
class Inquiry:
    """One cluster, one's own settings, and expressions that are tried on each record.

    Every method raises ServiceFailed where Kafka does not answer, or does not say what nothing can be said without.
    """

    cluster: Cluster
    settings: RulesSettings
    tried: Sequence[str] = ()

    def of_place(self, place: Place) -> Answer:
        """Explain the record at a place of the input or of an output. Raises NotPossible where there is none."""
        found = self.cluster.record(place)
        if place.topic == self.settings.topics.transactions:
            return self.of_record(found)
        try:
            origin, remarks = origin_of(found, self.cluster, self.settings.topics)
        except (NotPossible, ServiceFailed) as failed:
            return Answer(output=found, remarks=[f"what it was judged with is not known: {failed}"])
        return self._answer(origin, found, remarks)

    def of_record(self, record: Record) -> Answer:
        """Explain the verdict of a record of the input."""
        try:
            output, remarks = output_of(record, self.cluster, self.settings.topics)
        except ServiceFailed as failed:
            return self._answer(record, None, [f"its output was not looked for: {failed}"])
        return self._answer(record, output, remarks)

    def now(self) -> tuple[Replay, str]:
        """Return what holds in Kafka now, and that in words."""
        replay, said = Replay(self.settings.decision, RuleBook()), "the settings here"
        try:
            rules = self._book(_RULES, RuleBook())
        except (NotReplayable, ServiceFailed) as failed:
            return replay._replace(has_lists=False), f"{said} alone: {failed}"
        replay = replay._replace(rules=rules)
        if not self._asks_lists(rules):
            return replay, f"version {rules.version} of the rules, and {said}"
        try:
            lists = self._book(_LISTS, ListBook())
        except (NotReplayable, ServiceFailed) as failed:
            return without_lists(replay, str(failed)), f"version {rules.version} of the rules, and {said}"
        versions = f"version {rules.version} of the rules, version {lists.version} of the lists"
        return replay._replace(lists=lists), f"{versions}, and {said}"

    def _answer(self, record: Record, output: Record | None, remarks: list[str]) -> Answer:
        answer, place = Answer(record=record, output=output), place_of(record)
        try:
            note, warnings = self._note(place)
        except ServiceFailed as failed:
            return answer._replace(remarks=[*remarks, f"what it was judged with is not known: {failed}"])
        if note is None:
            return answer._replace(remarks=[*remarks, *warnings])
        replay = self._replay(note.basis)
        remarks += [*warnings, *differences(note.basis)]
        explanation, since = explain(record, replay, self.tried), note.offsets[place.partition]
        return answer._replace(explanation=explanation, note=note, since=since, remarks=remarks, gaps=replay.gaps)

    def _note(self, place: Place) -> tuple[Note | None, Sequence[str]]:
        """Return the note that holds for a record of the input, None where none does, and what may be wrong then."""
        notes, problem = NoteHistory(self.settings.consumer_group, place.topic), ""
        for record in self._history(_PROVENANCE):
            wrong = notes.take(record.offset, record.value)
            if wrong:
                problem = f"a note is not understood: {record.topic} offset {record.offset}: {one_line(wrong)}"
        found = [*notes.covering(place.partition, place.offset)]
        if found:
            return found[-1].note, [] if notes.is_certain(found[-1]) else [_UNCERTAIN]
        missing = self._not_noted(groups_noted(self._history(_PROVENANCE), place))
        return None, [missing, problem] if problem else [missing]

    def _not_noted(self, groups: Sequence[str]) -> str:
        group, topic = self.settings.consumer_group, self._topic(_PROVENANCE)
        named = f"{topic.named} has no note of the group {group} that holds for it"
        others = f"; one of {', '.join(groups)} does (CONSUMER_GROUP)" if groups else ""
        return f"{named}: it is not judged yet, or was before there were notes{others}"

    def _replay(self, basis: Basis) -> Replay:
        """Return what was judged with, as far as it can be had again."""
        try:
            replay = Replay(noted_settings(basis), RuleBook())
        except ValueError as why:
            return Replay(self.settings.decision, RuleBook(), has_settings=False, gaps=[str(why)])
        try:
            replay = replay._replace(rules=self._book(_RULES, RuleBook(), basis.rules))
        except (NotReplayable, ServiceFailed) as failed:
            return replay._replace(has_rules=False, has_lists=False, gaps=[str(failed)])
        if self._asks_lists(replay.rules):
            replay = self._with_lists(replay, basis.lists)
        return self._with_code_rules(replay, basis)

    def _asks_lists(self, rules: RuleBook) -> bool:
        """Tell whether one of these rules, or of those that are tried, names a list."""
        return bool(lists_named([*(asked.rule for asked in asked_of(rules.held)), *map(Rule, self.tried)]))

    def _with_lists(self, replay: Replay, noted: Reading) -> Replay:
        try:
            return replay._replace(lists=self._book(_LISTS, ListBook(), noted))
        except (NotReplayable, ServiceFailed) as failed:
            return without_lists(replay, str(failed))

    def _with_code_rules(self, replay: Replay, basis: Basis) -> Replay:
        if not basis.code_rules:
            return replay
        try:
            own = named_rules(self.settings.fraud_rules)
        except ValueError as expected:
            return with_code_rules(replay, basis, (), f"FRAUD_RULES={self.settings.fraud_rules} here: {expected}")
        return with_code_rules(replay, basis, own)

    def _book(self, holds: str, book: B, noted: Reading | None = None) -> B:
        """Return what a topic held at a version that was noted, or holds now. Raises NotReplayable."""
        records = self._history(holds, noted.version if noted else None)
        try:
            return book_up_to(book, records, noted)
        except NotReplayable as failed:
            raise NotReplayable(f"{self._topic(holds).named}: {failed}") from failed

    def _history(self, holds: str, end: int | None = None) -> Iterator[Record]:
        """Yield the records of a topic that is a history, up to a version, or all. Raises ServiceFailed."""
        if end == 0:
            return
        try:
            yield from self.cluster.history(self._topic(holds).name, end)
        except ServiceFailed as failed:
            raise type(failed)(f"{self._topic(holds).named}: {failed}") from failed

    def _topic(self, holds: str) -> HistoryTopic:
        return history_topic(self.settings, self.cluster.library, holds)
