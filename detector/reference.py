"""What a detector follows: the topics of rules and of lists, each into a book, and what other detectors note."""

from decision.lists import ListBook
from decision.rulebook import RuleBook
from detector.other_detectors import OtherDetectors
from detector.provenance import Provenance
from detector.reference_reader import ReferenceReader
from messaging.history import HistoryTopic, ends_of
from runtime.health import Heartbeat
from runtime.stop import Stop


class Reference:
    """Follows the topics for longer than a client lives."""

    def __init__(self, rules: HistoryTopic, lists: HistoryTopic, notes: HistoryTopic, own: Provenance) -> None:
        self._rules = ReferenceReader(rules, RuleBook)
        self._lists = ReferenceReader(lists, ListBook)
        self._notes = notes
        self._others = OtherDetectors(notes, own)

    @property
    def books(self) -> tuple[RuleBook, ListBook]:
        """The rules and the lists that hold."""
        return self._rules.book, self._lists.book

    def start(self, stop: Stop, heartbeat: Heartbeat) -> None:
        """Read them up to where they end now. Raises ServiceFailed and ClientFailed."""
        topics = (self._rules.topic, self._lists.topic, self._notes)
        ends = {} if self._rules.is_known or self._lists.is_known else ends_of(topics)
        for reader in (self._rules, self._lists):
            reader.start(stop, heartbeat, ends.get(reader.topic.name))
        self._others.start(ends.get(self._notes.name))

    def has_changed(self) -> bool:
        """Take what has come, at most once a second; tell, once, whether it has changed a book. Never raises."""
        self._others.look()
        has_changed = [reader.has_changed() for reader in (self._rules, self._lists)]
        return any(has_changed)

    def close(self) -> None:
        """Close the readers; the books stay. Never raises."""
        for each in (self._rules, self._lists, self._others):
            each.close()
