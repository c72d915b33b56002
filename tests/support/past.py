"""A past in memory: what the topics of rules, lists and provenance would hold, and how the audit knows it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from audit.history import RulesHistory
from audit.law import CodeRule
from audit.lists import ListsHistory
from audit.replay import Replay
from decision.history import FORMAT, Reading
from decision.list_change import ListChange, ListChangeSet
from decision.list_change import encode as encode_lists
from decision.lists import ListBook
from decision.note_history import NoteHistory
from decision.provenance import Basis, DecisionSettings, Note, Source, encode
from decision.rulebook import RuleBook
from messaging.batch import Record
from runtime.settings import read_settings
from tests.support.change_sets import Changes

GROUP, TOPIC = "detector", "transactions"
FROM_THE_FIRST = MappingProxyType({0: 0, 1: 0})
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class Past:
    """Changes rules and lists, and notes them as detectors do; `replay` is what the audit makes of it."""

    def __init__(self, code_rules: Sequence[CodeRule] = ()) -> None:
        self.note_history = NoteHistory(GROUP, TOPIC)
        self.rules, self.lists = RulesHistory(), ListsHistory()
        self.replay = Replay(self.note_history, self.rules, self.lists, code_rules)
        self.code_rules = [Source(rule.name, rule.digest) for rule in code_rules]
        self._rule_book, self._list_book = RuleBook(), ListBook()
        self._readings = [self._rule_book.reading]
        self._numbers: dict[str, int] = {}
        self.notes = 0

    def change_rules(self, *made: Changes) -> None:
        """Write change sets into the topic of rules, all of which are valid."""
        for each in made:
            record = each.record(self._rule_book.version)
            self._rule_book.take(record.offset, record.value)
            self._readings.append(self._rule_book.reading)
            assert not self.rules.take(record)

    def rules_at(self, version: int) -> Reading:
        """Return how far a detector had read the topic of rules at a version."""
        return self._readings[version]

    def change_lists(self, *made: ListChange) -> None:
        """Write a change set into the topic of lists."""
        offset = self._list_book.reading.version
        value = encode_lists(ListChangeSet(FORMAT, str(offset), "anna", made))
        self._list_book.take(offset, value)
        assert not self.lists.take(Record("lists", 0, offset, 0, None, value, ()))

    def basis(self, settings: Mapping[str, str] = NO_SETTINGS, **changed: Any) -> Basis:
        """Return what a detector with these settings judges with now."""
        texts = read_settings(DecisionSettings, settings).as_texts()
        basis = Basis(texts, self.code_rules, self._rule_book.reading, self._list_book.reading)
        return replace(basis, **changed)

    def note(
        self,
        offsets: Mapping[int, int] = FROM_THE_FIRST,
        basis: Basis | None = None,
        detector: str = "d-1",
        **changed: Any,
    ) -> Record:
        """Return the next record of the topic of provenance, a note of a detector."""
        number = self._numbers[detector] = self._numbers.get(detector, 0) + 1
        note = Note(FORMAT, GROUP, TOPIC, detector, number, dict(offsets), basis or self.basis())
        return self.record(encode(replace(note, **changed)))

    def record(self, value: bytes | None) -> Record:
        """Return the next record of the topic of provenance; markers lie between two of them."""
        self.notes += 1
        return Record("provenance", 0, 2 * self.notes, 0, None, value, ())

    def take(self, *records: Record) -> "Past":
        """Let the audit read these notes."""
        for record in records:
            assert not self.note_history.take(record.offset, record.value)
        self.replay.has_read_on()
        return self


def noted(*made: Changes, settings: Mapping[str, str] = NO_SETTINGS, code_rules: Sequence[CodeRule] = ()) -> Past:
    """Return a past in which everything was judged by the last of these changes."""
    past = Past(code_rules)
    past.change_rules(*made)
    return past.take(past.note(basis=past.basis(settings)))
