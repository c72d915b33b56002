"""The detector follows the topic of rules, and nothing that happens there stops it."""

import logging
from collections.abc import Sequence
from contextlib import closing

import pytest

import detector.rule_reader
from decision.rule import Rule
from decision.rulebook import Change, ChangeSet, encode
from detector.rule_reader import RuleReader, RuleTopic
from detector.settings import DetectorSettings
from messaging.batch import Message, Offsets
from messaging.seam import AccessRefused, ClientFailed
from messaging.settings import ConnectionSettings
from messaging.topics import payments_topics, rules_topic
from runtime.health import Heartbeat
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.in_memory_client import InMemoryCluster, InMemoryReader

SETTINGS = read_settings(DetectorSettings, {})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SECONDS_BETWEEN_POLLS", "_SECONDS_BETWEEN_TAKE_UPS", "_SECONDS_BETWEEN_READERS"):
        monkeypatch.setattr(detector.rule_reader, name, 0.0)


class Refusing(InMemoryCluster):
    """A cluster in which the topic of rules may not be read, as long as `is_refused`."""

    is_refused = True

    def open_reader(self, connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> InMemoryReader:
        if self.is_refused:
            raise AccessRefused("not allowed: nobody lacks the right Read on topic rules")
        return super().open_reader(connection, starts, ends)


def fails(*_: object) -> Offsets:
    raise ClientFailed("no answer")


def reader_of(cluster: InMemoryCluster) -> RuleReader:
    return RuleReader(RuleTopic("rules", cluster, SETTINGS.connection, SETTINGS.topic_creation))


def start(reader: RuleReader) -> None:
    reader.start(Stop(), Heartbeat(None))


def write(cluster: InMemoryCluster, *values: bytes | None) -> None:
    if "rules" not in cluster.logs:
        cluster.create_topics(SETTINGS.connection, rules_topic(SETTINGS.topic_creation, "rules"))
    for value in values:
        cluster.append(Message("rules", None, value, (), 0, 0))


def setting(name: str, base: int = 0, identity: str = "1") -> bytes:
    return encode(ChangeSet(1, identity, "ann", [Change(name, base, Rule("amount > 1"))]))


def errors(caplog: pytest.LogCaptureFixture) -> Sequence[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_topic_is_made_and_read_to_its_end_at_start_and_then_followed() -> None:
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
    assert error.startswith("rules[0] offset 0 changes no rule: not a change set: ")
    assert error.isprintable()


def test_a_flood_of_what_cannot_be_understood_is_ten_lines_and_a_number(caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    write(cluster, *[b"broken"] * 1_000)
    with closing(reader_of(cluster)) as reader:
        start(reader)
    assert len(errors(caplog)) == 11
    assert errors(caplog)[-1] == "rules[0]: 990 more records that change no rule"


def test_a_topic_without_the_right_to_read_it_is_told_once_and_done_without(caplog: pytest.LogCaptureFixture) -> None:
    with closing(reader_of(Refusing())) as reader:
        start(reader)
        assert not reader.has_changed()
        assert not reader.has_changed()
    why = "not allowed: nobody lacks the right Read on topic rules"
    expected = f"going on without the topic of rules, RULES_TOPIC=rules: {why}"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [expected]


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
        cluster.is_refused = problem == "refused"
        for _ in range(3):
            assert not reader.has_changed()
        why = "nobody lacks the right" if problem == "refused" else "the topic rules does not exist"
        assert caplog.messages[-1].startswith("the rules stay as they are, at version 1: ")
        assert why in caplog.messages[-1]
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
    with monkeypatch.context() as patched, closing(reader):
        patched.setattr(cluster, "end_offsets", fails)
        start(reader)
        assert caplog.messages[-1].startswith("the rules stay as they are, at version 1: no answer; trying again")
        write(cluster, setting("b", identity="2"))
        assert reader.has_changed()
    assert set(reader.book.held) == {"a", "b"}


def test_a_topic_that_cannot_hold_the_history_is_refused() -> None:
    cluster = InMemoryCluster()
    cluster.create_topics(SETTINGS.connection, payments_topics(SETTINGS.topic_creation, ["rules"]))
    with pytest.raises(ServiceFailed, match="RULES_TOPIC=rules has 4 partitions"):
        start(reader_of(cluster))
