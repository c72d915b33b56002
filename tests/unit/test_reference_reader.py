"""The detector follows the topic of rules, and nothing that happens there stops it."""

import logging
from collections.abc import Sequence
from contextlib import closing

import pytest

import detector.reference_reader
from decision.rule import Rule
from decision.rulebook import Change, ChangeSet, RuleBook, encode
from detector.reference_reader import ReferenceReader
from detector.settings import DetectorSettings
from messaging.batch import Message, Offsets
from messaging.history import history_topic
from messaging.seam import AccessRefused, ClientFailed
from messaging.settings import ConnectionSettings
from messaging.topics import history_topics, payments_topics
from runtime.health import Heartbeat
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.in_memory_client import InMemoryCluster, InMemoryReader

REFUSAL = "not allowed: nobody lacks the right Read on topic rules"
SETTINGS = read_settings(DetectorSettings, {})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SECONDS_BETWEEN_POLLS", "_SECONDS_BETWEEN_TAKE_UPS", "_SECONDS_BETWEEN_READERS"):
        monkeypatch.setattr(detector.reference_reader, name, 0.0)


class Refusing(InMemoryCluster):
    """A cluster in which the topic of rules may not be read, as long as `is_refused`."""

    is_refused = True

    def open_reader(self, connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> InMemoryReader:
        if self.is_refused:
            raise AccessRefused(REFUSAL)
        return super().open_reader(connection, starts, ends)


class Beats(Heartbeat):
    """Counts its beats."""

    def __init__(self) -> None:
        super().__init__(None)
        self.count = 0

    def beat(self) -> None:
        self.count += 1


def fails(*_: object) -> Offsets:
    raise ClientFailed("no answer")


def reader_of(cluster: InMemoryCluster) -> ReferenceReader[RuleBook]:
    return ReferenceReader(history_topic(SETTINGS, cluster, "rules"), RuleBook)


def start(reader: ReferenceReader[RuleBook]) -> None:
    reader.start(Stop(), Heartbeat(None))


def write(cluster: InMemoryCluster, *values: bytes | None) -> None:
    if "rules" not in cluster.logs:
        cluster.create_topics(SETTINGS.connection, history_topics(SETTINGS.topic_creation, ["rules"]))
    for value in values:
        cluster.append(Message("rules", None, value, (), 0, 0))


def setting(name: str, base: int = 0, identity: str = "1") -> bytes:
    return encode(ChangeSet(1, identity, "ann", [Change(name, base, Rule("amount > 1"))]))


def errors(caplog: pytest.LogCaptureFixture) -> Sequence[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_topic_is_made_where_it_is_missing() -> None:
    cluster = InMemoryCluster()
    with closing(reader_of(cluster)) as reader:
        start(reader)
    assert len(cluster.logs["rules"]) == 1
    assert cluster.configs["rules"]["retention.ms"] == "-1"


def test_the_topic_is_read_to_its_end_at_start_and_then_followed() -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"), setting("b", identity="2"))
    with closing(reader_of(cluster)) as reader:
        start(reader)
        assert set(reader.book.held) == {"a", "b"}
        assert reader.has_changed()
        assert not reader.has_changed()
        write(cluster, setting("c", identity="3"))
        assert reader.has_changed()
        assert set(reader.book.held) == {"a", "b", "c"}


def test_an_empty_topic_is_no_news() -> None:
    with closing(reader_of(InMemoryCluster())) as reader:
        start(reader)
        assert not reader.has_changed()


def test_what_changes_nothing_is_no_news_and_what_cannot_be_understood_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = InMemoryCluster()
    with closing(reader_of(cluster)) as reader:
        start(reader)
        write(cluster, b"\x1b[31mbroken", setting("a", base=7))
        assert not reader.has_changed()
    [error] = errors(caplog)
    assert error.startswith("rules[0] offset 0 changes no rules: not understood: ")
    assert error.isprintable()


def test_a_change_that_came_too_late_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"), setting("a", identity="2"), setting("a"))
    with closing(reader_of(cluster)) as reader:
        start(reader)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["rules[0] offset 1 changes no rules: changed by somebody else meanwhile: a"]


def test_a_flood_of_what_cannot_be_understood_is_ten_lines_and_a_number(caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    write(cluster, *[b"broken"] * 1_000)
    with closing(reader_of(cluster)) as reader:
        start(reader)
    assert len(errors(caplog)) == 10
    assert caplog.messages[-1] == "rules[0]: 990 more records that change nothing"


def test_a_topic_without_the_right_to_read_it_is_told_once_and_done_without(caplog: pytest.LogCaptureFixture) -> None:
    with closing(reader_of(Refusing())) as reader:
        start(reader)
        assert not reader.has_changed()
        assert not reader.has_changed()
    expected = f"going on without RULES_TOPIC=rules, with version 0 of the rules: {REFUSAL}"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [expected]


def test_a_right_that_is_given_later_is_used() -> None:
    cluster = Refusing()
    with closing(reader_of(cluster)) as reader:
        start(reader)
        write(cluster, setting("a"))
        cluster.is_refused = False
        assert reader.has_changed()
        assert set(reader.book.held) == {"a"}


@pytest.mark.parametrize("problem", ["deleted", "refused"])
def test_a_topic_that_goes_away_changes_no_rule_and_is_followed_again_once_it_is_back(
    problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = Refusing()
    cluster.is_refused = False
    write(cluster, setting("a"))
    with closing(reader_of(cluster)) as reader:
        start(reader)
        assert reader.has_changed()
        log = cluster.logs.pop("rules")
        assert not reader.has_changed()
        if problem == "refused":
            cluster.logs["rules"] = log
        cluster.is_refused = problem == "refused"
        for _ in range(3):
            assert not reader.has_changed()
        why = REFUSAL if problem == "refused" else "the topic rules does not exist"
        told = [
            line
            for line in caplog.messages
            if line.startswith("going on without RULES_TOPIC=rules, with version 1 of the rules: ") and why in line
        ]
        assert len(told) == (1 if problem == "refused" else 4)
        assert set(reader.book.held) == {"a"}
        cluster.logs["rules"], cluster.is_refused = log, False
        write(cluster, setting("b", identity="2"))
        assert reader.has_changed()
        assert set(reader.book.held) == {"a", "b"}


def test_of_a_topic_made_anew_only_what_stands_there_holds(caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"), setting("b", identity="2"))
    with closing(reader_of(cluster)) as reader:
        start(reader)
        assert reader.has_changed()
        del cluster.logs["rules"]
        write(cluster, setting("c"))
        assert reader.has_changed()
        assert set(reader.book.held) == {"c"}
    assert "rules is a new topic: what stands there holds, and nothing else" in caplog.messages


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_a_topic_made_anew_while_nobody_read_it_only_what_stands_there_holds(count: int) -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"), setting("b", identity="2"))
    reader = reader_of(cluster)
    with closing(reader):
        start(reader)
    del cluster.logs["rules"]
    write(cluster, *(setting(f"new-{number}", identity=f"new-{number}") for number in range(count)))
    with closing(reader):
        start(reader)
        assert reader.has_changed()
    assert set(reader.book.held) == {f"new-{number}" for number in range(count)}


def test_a_long_history_is_taken_in_several_rounds_and_beats_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector.reference_reader, "_MOST_SECONDS_TAKING", 0.0)
    cluster, beats = InMemoryCluster(), Beats()
    write(cluster, *(setting(f"r{number}", identity=str(number)) for number in range(20)))
    with closing(reader_of(cluster)) as reader:
        reader.start(Stop(), beats)
        assert len(reader.book.held) == 20
        assert beats.count >= 20
        write(cluster, *(setting(f"s{number}", identity=f"s{number}") for number in range(20)))
        rounds = [reader.has_changed() for _ in range(25)]
        assert rounds.count(True) == 20
        assert len(reader.book.held) == 40


def test_another_client_goes_on_where_the_last_one_was() -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"))
    reader = reader_of(cluster)
    for name, base in (("b", "2"), ("c", "3")):
        start(reader)
        reader.close()
        write(cluster, setting(name, identity=base))
    start(reader)
    reader.close()
    assert set(reader.book.held) == {"a", "b", "c"}


def test_what_has_been_read_once_is_gone_on_with_where_kafka_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"))
    reader = reader_of(cluster)
    with monkeypatch.context() as patched:
        patched.setattr(cluster, "end_offsets", fails)
        with pytest.raises(ClientFailed):
            start(reader)
    with closing(reader):
        start(reader)
        assert reader.has_changed()
    with closing(reader):
        with monkeypatch.context() as patched:
            patched.setattr(cluster, "end_offsets", fails)
            start(reader)
        assert caplog.messages[-1] == "going on without RULES_TOPIC=rules, with version 1 of the rules: no answer"
        write(cluster, setting("b", identity="2"))
        assert reader.has_changed()
    assert set(reader.book.held) == {"a", "b"}


def test_a_kafka_transaction_that_is_open_in_the_topic_stops_only_who_knows_no_rules(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(detector.reference_reader, "_MOST_SILENT_SECONDS", 0.0)
    cluster = InMemoryCluster()
    write(cluster, setting("a"), setting("b", identity="2"))
    cluster.open["rules", 0] = 1
    reader = reader_of(cluster)
    why = r"rules\[0\] is read up to offset 1 of 2: a Kafka transaction may be open there"
    with closing(reader), pytest.raises(ClientFailed, match=why):
        start(reader)
    del cluster.open["rules", 0]
    with closing(reader):
        start(reader)
    cluster.open["rules", 0] = 2
    write(cluster, setting("c", identity="3"))
    with closing(reader):
        start(reader)
        assert "is read up to offset 2 of 3" in caplog.messages[-1]
        del cluster.open["rules", 0]
        assert reader.has_changed()
    assert set(reader.book.held) == {"a", "b", "c"}


def test_a_topic_made_anew_and_empty_has_no_rules() -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"))
    reader = reader_of(cluster)
    for expected in ({"a"}, set()):
        with closing(reader):
            start(reader)
            assert reader.has_changed()
        assert set(reader.book.held) == expected
        del cluster.logs["rules"]
        write(cluster)


def test_a_topic_that_becomes_unfit_changes_no_rule(caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    write(cluster, setting("a"))
    reader = reader_of(cluster)
    for policy in ("delete", "compact"):
        cluster.configs["rules"] = {**cluster.configs["rules"], "cleanup.policy": policy}
        with closing(reader):
            start(reader)
    assert set(reader.book.held) == {"a"}
    assert "is compacted and would lose its history" in caplog.messages[-1]


def test_a_topic_that_cannot_hold_the_history_is_refused() -> None:
    cluster = InMemoryCluster()
    cluster.create_topics(SETTINGS.connection, payments_topics(SETTINGS.topic_creation, ["rules"]))
    with pytest.raises(ServiceFailed, match="RULES_TOPIC=rules has 4 partitions"):
        start(reader_of(cluster))
