"""What detectors have left behind, on the in-memory cluster: records, rules, lists and notes."""

from collections.abc import Sequence
from typing import Any

from decision.history import FORMAT, Reading
from decision.list_change import ListChange, ListChangeSet
from decision.list_change import encode as encode_lists
from decision.provenance import Basis, Note, encode
from decision.rulebook import Change
from decision.rulebook import encode as encode_rules
from messaging.batch import Headers, Message, Place
from messaging.settings import ConnectionSettings
from messaging.topics import TopicShape
from rules.answer import Answer
from rules.cluster import Cluster
from rules.inquiry import Inquiry
from rules.settings import RulesSettings
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.change_sets import change_set
from tests.support.in_memory_client import InMemoryCluster

INPUT = "transactions"
PAID = b'{"id":"1","source":"a","target":"b","amount":500}'
_NOTHING = read_settings(RulesSettings, {})
_SERVERS = "127.0.0.1:1"


class Past:
    """A cluster with all topics, of two partitions or one; what is written there has the time `now`."""

    def __init__(self, **settings: str) -> None:
        self.kafka = InMemoryCluster()
        self.settings = read_settings(RulesSettings, settings)
        self.now = 1_790_000_000_000
        self._connection = read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": _SERVERS})
        names = self.settings.topics
        shapes = {**dict.fromkeys(names.all, TopicShape(2, 1)), **dict.fromkeys(names.histories, TopicShape(1, 1))}
        self.kafka.create_topics(self._connection, shapes)
        self._notes = 0

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.kafka, self._connection, Stop())

    def write(self, topic: str, value: bytes | None, headers: Headers = (), key: bytes | None = b"a") -> Place:
        """Write a record into the first partition, and return where it is."""
        self.kafka.append(Message(topic, key, value, headers, self.now, 0))
        return Place(topic, 0, len(self.kafka.logs[topic][0]) - 1)

    def change_rules(self, *made: Change) -> Reading:
        """Write a change set, and return how far the topic has been read with it."""
        return self._reading(self.write("rules", encode_rules(change_set(*made))))

    def change_lists(self, name: str, *members: str) -> Reading:
        """Add members to a list, and return how far the topic has been read with that."""
        made = ListChangeSet(FORMAT, f"{name} {members}", "anna", [ListChange(name, 0, add=members)])
        return self._reading(self.write("lists", encode_lists(made)))

    def note(self, since: int, rules: Reading | None = None, lists: Reading | None = None, **other: Any) -> None:
        """Write that a detector has judged so from an offset of the first partition on."""
        self._notes += 1
        basis = Basis(
            other.pop("settings", _NOTHING.decision.as_texts()),
            other.pop("code_rules", ()),
            rules or Reading(),
            lists or Reading(),
            **{name: other.pop(name) for name in ("product", "time_zones") if name in other},
        )
        said = {"group": "detector", "topic": INPUT, "detector": "d", "number": self._notes, **other}
        self.write("provenance", encode(Note(FORMAT, **said, offsets={0: since}, basis=basis)))

    def explained(self, place: Place, *tried: str) -> Answer:
        """Return what is said of a place."""
        return Inquiry(self.cluster, self.settings, tried).of_place(place)

    def _reading(self, place: Place) -> Reading:
        reading = Reading()
        for record in self.kafka.logs[place.topic][0]:
            reading = reading.after(record.offset, record.value)
        return reading


def coordinates(place: Place, problem: str) -> Headers:
    """Return the headers by which a dead letter names the record that it came from."""
    named = {"topic": place.topic, "partition": place.partition, "offset": place.offset, "message": problem}
    return [(f"__detector.errors.{name}", str(value).encode()) for name, value in named.items()]


def outcomes(answer: Answer) -> Sequence[tuple[str, str]]:
    """Return what each rule says."""
    assert answer.explanation is not None
    return [(said.rule, said.outcome) for said in answer.explanation.rules]
