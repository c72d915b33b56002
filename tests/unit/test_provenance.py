"""What records are judged with is noted: for each partition once, and again whenever something changes."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

import detector.other_detectors
from decision.history import InvalidRecord, Reading
from decision.provenance import Basis, DecisionSettings, Note, Source, decode, differences, encode
from detector.other_detectors import OtherDetectors
from detector.provenance import Provenance
from detector.settings import DetectorSettings
from messaging.batch import Batch, Message, Record
from messaging.history import history_topic
from messaging.topics import history_topics
from payments.mapping import FieldMapping
from runtime.settings import read_settings
from tests.support.in_memory_client import InMemoryCluster

FIRST = Basis({"FRAUD_THRESHOLD": "900"}, [Source("mine", "ab")], Reading(), Reading())
SECOND = Basis({"FRAUD_THRESHOLD": "900"}, [Source("mine", "ab")], Reading(1, "cd"), Reading())


def noting() -> Provenance:
    return Provenance("provenance", "detectors", "payments", FIRST)


def batch(*places: tuple[int, int]) -> Batch:
    return Batch([Record("payments", partition, offset, 0, None, b"", ()) for partition, offset in places])


def gained(*partitions: int) -> Batch:
    return Batch(gained=partitions)


def offsets(notes: Sequence[Message]) -> Sequence[Mapping[int, int]]:
    return [decode(note.value).offsets for note in notes]


def committed(provenance: Provenance, *places: tuple[int, int]) -> Sequence[Mapping[int, int]]:
    """Return what is noted with a batch that is committed."""
    noted = offsets(provenance.notes(batch(*places)))
    provenance.committed()
    return noted


def test_the_first_records_of_a_partition_that_was_gained_are_noted() -> None:
    provenance = noting()
    provenance.change(gained(0, 1))
    assert committed(provenance, (1, 7), (1, 8), (0, 3)) == [{0: 3, 1: 7}]
    assert committed(provenance, (1, 9), (0, 4)) == []


def test_a_partition_of_which_nothing_was_judged_yet_is_noted_when_something_is() -> None:
    provenance = noting()
    provenance.change(gained(0, 1))
    assert committed(provenance, (0, 3)) == [{0: 3}]
    assert committed(provenance, (0, 4), (1, 5)) == [{1: 5}]


def test_what_was_not_committed_is_noted_again() -> None:
    provenance = noting()
    provenance.change(gained(0))
    assert offsets(provenance.notes(batch((0, 3)))) == [{0: 3}]
    assert committed(provenance, (0, 3)) == [{0: 3}]


def test_a_change_is_noted_for_each_partition() -> None:
    provenance = noting()
    provenance.change(gained(0, 1))
    committed(provenance, (0, 0), (1, 0))
    provenance.judge_with(SECOND)
    [note] = provenance.notes(batch((1, 1)))
    assert decode(note.value).basis == SECOND
    provenance.committed()
    assert committed(provenance, (0, 1), (1, 2)) == [{0: 1}]


def test_what_is_judged_with_as_before_is_not_noted_again() -> None:
    provenance = noting()
    provenance.change(gained(0))
    committed(provenance, (0, 0))
    provenance.judge_with(FIRST)
    assert committed(provenance, (0, 1)) == []


def test_a_partition_that_comes_back_is_noted_again_and_one_that_is_lost_is_not() -> None:
    provenance = noting()
    provenance.change(gained(0, 1))
    committed(provenance, (0, 0), (1, 0))
    provenance.change(Batch(lost=[0, 1], gained=[0]))
    assert committed(provenance, (0, 1)) == [{0: 1}]


def test_a_partition_whose_topic_was_made_anew_is_noted_again() -> None:
    provenance = noting()
    provenance.change(gained(0))
    committed(provenance, (0, 7))
    provenance.change(Batch(skipped={0: (8, 0)}))
    assert committed(provenance, (0, 0)) == [{0: 0}]


def test_ends_without_records_are_not_noted() -> None:
    provenance = noting()
    provenance.change(gained(0))
    assert not provenance.notes(Batch(ends={0: 5}))


def test_a_detectors_notes_are_numbered_and_name_their_group_and_topic() -> None:
    provenance = noting()
    provenance.change(gained(0, 1))
    first = decode(provenance.notes(batch((0, 0)))[0].value)
    again = decode(provenance.notes(batch((0, 0)))[0].value)
    provenance.committed()
    second = decode(provenance.notes(batch((1, 0)))[0].value)
    assert [note.number for note in (first, again, second)] == [1, 1, 2]
    assert (first.group, first.topic) == ("detectors", "payments")
    assert first.detector == second.detector != decode_of_another().detector


def decode_of_another() -> Note:
    another = noting()
    another.change(gained(0))
    return decode(another.notes(batch((0, 0)))[0].value)


def test_a_note_is_read_as_it_was_written() -> None:
    note = Note(1, "detectors", "payments", "d", 3, {0: 5, 11: 2**62}, SECOND)
    assert decode(encode(note)) == note


@pytest.mark.parametrize("value", [None, b"", b"{}", b'{"format":1}', b"[]"])
def test_what_is_no_note_is_refused(value: bytes | None) -> None:
    with pytest.raises(InvalidRecord, match="not understood"):
        decode(value)


def test_a_note_of_another_format_says_so() -> None:
    with pytest.raises(InvalidRecord, match="written in format 2"):
        decode(b'{"format":2}')


def test_the_settings_in_a_note_are_read_as_settings() -> None:
    texts = {"FIELD_ID": "", "FIELD_AMOUNT": r"a\.b.c", "AMOUNT_SCALE": "2", "FRAUD_THRESHOLD": "1.50"}
    settings = read_settings(DecisionSettings, texts)
    assert read_settings(DecisionSettings, dict(settings.as_texts())) == settings
    assert settings.mapping != read_settings(FieldMapping, {})


def test_another_history_of_the_same_length_has_another_digest() -> None:
    histories: list[list[tuple[int, bytes | None]]] = [
        [(0, b"a"), (1, b"b")],
        [(0, b"a"), (1, b"c")],
        [(0, b"b"), (1, b"b")],
        [(0, None), (1, b"b")],
    ]
    readings = []
    for history in histories:
        reading = Reading()
        for offset, value in history:
            reading = reading.after(offset, value)
        readings.append(reading)
    assert [reading.version for reading in readings] == [2] * 4
    assert len({reading.digest for reading in readings}) == 4
    assert Reading().after(0, None) != Reading().after(0, b"")


def test_what_two_detectors_judge_with_differently_is_told_but_not_how_far_they_have_read() -> None:
    other = replace(FIRST, settings={"FRAUD_THRESHOLD": "800"}, code_rules=[], product="2")
    assert differences(FIRST, SECOND) == []
    assert differences(FIRST, other) == [
        "FRAUD_THRESHOLD='800', not '900'",
        "FRAUD_RULES='', not 'mine ab'",
        f"version='2', not '{FIRST.product}'",
    ]


def watching(cluster: InMemoryCluster, own: Provenance) -> OtherDetectors:
    settings = read_settings(DetectorSettings, {})
    cluster.create_topics(settings.connection, history_topics(settings.topic_creation, ["provenance"]))
    return OtherDetectors(history_topic(settings, cluster, "provenance"), own)


def write(cluster: InMemoryCluster, *values: bytes | None) -> None:
    for value in values:
        cluster.append(Message("provenance", None, value, (), 0, 0))


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector.other_detectors, "_SECONDS_BETWEEN_LOOKS", 0.0)


@pytest.mark.usefixtures("always_due")
def test_others_are_warned_of_once_for_each_difference_and_only_if_they_are_of_the_group(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = InMemoryCluster()
    others = watching(cluster, noting())
    other = replace(FIRST, settings={"FRAUD_THRESHOLD": "800"})
    write(cluster, note_of("detectors", "payments", replace(FIRST, product="before it began")))
    others.start(None)
    write(
        cluster,
        note_of("detectors", "payments", other),
        b"no note",
        note_of("detectors", "payments", other),
        note_of("detectors", "payments", FIRST),
        note_of("others", "payments", other),
        note_of("detectors", "elsewhere", other),
    )
    others.look()
    what = "FRAUD_THRESHOLD='800', not '900'"
    assert caplog.messages == [f"another detector of the group judges with other settings: {what}"]


@pytest.mark.usefixtures("always_due")
def test_where_notes_cannot_be_read_nothing_is_said_and_nothing_raised(caplog: pytest.LogCaptureFixture) -> None:
    cluster = InMemoryCluster()
    others = watching(cluster, noting())
    del cluster.logs["provenance"]
    others.start(None)
    others.look()
    others.close()
    assert not caplog.messages


def note_of(group: str, topic: str, basis: Basis) -> bytes:
    return encode(Note(1, group, topic, "another", 1, {0: 0}, basis))


@pytest.mark.usefixtures("always_due")
def test_its_own_notes_are_no_others(caplog: pytest.LogCaptureFixture) -> None:
    provenance = noting()
    provenance.change(gained(0))
    cluster = InMemoryCluster()
    others = watching(cluster, provenance)
    others.start(0)
    [note] = provenance.notes(batch((0, 0)))
    provenance.judge_with(replace(FIRST, product="2"))
    write(cluster, note.value)
    others.look()
    assert not caplog.messages
