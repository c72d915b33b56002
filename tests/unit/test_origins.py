"""An output is found by the record of the input that it follows from, and that by the output; or it is said why not."""

from collections.abc import Sequence

import pytest

from messaging.batch import Headers, Message, Place, place_of
from rules import origins
from rules.answer import Answer
from tests.support.in_memory_past import INPUT, PAID, Past, coordinates

REASON: Headers = [("fraud.reason", b"why"), ("fraud.score", b"100")]


@pytest.fixture
def past() -> Past:
    past = Past()
    past.note(0)
    return past


@pytest.fixture
def short(past: Past, monkeypatch: pytest.MonkeyPatch) -> Past:
    """Only one or two records of each partition are looked at."""
    monkeypatch.setattr(origins, "_MOST", 1)
    return past


def found(answer: Answer) -> tuple[Place | None, Sequence[str]]:
    """Return where the output is, and what is said of that."""
    return None if answer.output is None else place_of(answer.output), answer.remarks


def came_from(answer: Answer) -> Place:
    assert answer.record is not None
    return place_of(answer.record)


def test_what_nothing_follows_from_may_not_be_judged_yet(past: Past) -> None:
    unjudged = "nothing in fraud, legit, dead-letter follows from it: it may not be judged yet"
    assert found(past.explained(past.write(INPUT, PAID))) == (None, [unjudged])


@pytest.mark.parametrize("topic", ["legit", "dead-letter"])
def test_what_was_not_looked_for_to_the_end_is_not_called_unjudged(short: Past, topic: str) -> None:
    place = short.write(INPUT, PAID)
    for _ in range(3):
        short.write(topic, b"another")
    output, [remark] = found(short.explained(place))
    assert output is None
    assert remark == (
        "what follows from it is not among the first 1 records of that time or later in fraud, legit, dead-letter, "
        "nor the last in dead-letter"
    )


def test_an_origin_that_was_not_looked_for_to_the_end_is_not_called_missing(short: Past) -> None:
    for _ in range(3):
        short.write(INPUT, b"another")
    short.write(INPUT, PAID)
    [remark] = short.explained(short.write("legit", PAID)).remarks
    assert remark == (
        "what it was judged with is not known: the record that it came from "
        "is not among the first 1 records of that time or later in transactions"
    )


def test_a_dead_letter_of_another_time_is_found_by_its_headers(past: Past) -> None:
    place = past.write(INPUT, b"{")
    past.now -= 1
    late = past.write("dead-letter", None, coordinates(place, "timestamp"))
    assert found(past.explained(place)) == (late, [])


def test_the_output_of_a_record_without_a_time_is_found(past: Past) -> None:
    past.now = -1
    place, output = past.write(INPUT, PAID), past.write("legit", PAID)
    assert found(past.explained(place)) == (output, [])


def test_records_that_differ_by_their_headers_are_told_apart(past: Past) -> None:
    headers: Sequence[Headers] = ((), [("x", b"1")], [("x", b"2")], [("x", b"1"), ("y", None)])
    places = [past.write(INPUT, PAID, own) for own in headers]
    outputs = [past.write("fraud", PAID, [*own, *REASON]) for own in headers]
    assert [found(past.explained(place)) for place in places] == [(output, []) for output in outputs]
    assert [came_from(past.explained(output)) for output in outputs] == places


def test_where_several_records_are_alike_it_is_said(past: Past) -> None:
    places, outputs = ([past.write(topic, PAID) for _ in range(2)] for topic in (INPUT, "legit"))
    remark = "2 records fit equally well, and the first is shown: "
    assert found(past.explained(places[1])) == (outputs[0], [f"{remark}legit[0] offset 0, legit[0] offset 1"])
    answer = past.explained(outputs[1])
    assert came_from(answer) == places[0]
    assert answer.remarks == [f"{remark}transactions[0] offset 0, transactions[0] offset 1"]


def test_of_records_that_are_alike_the_one_of_the_same_partition_comes_first(past: Past) -> None:
    past.write("legit", PAID)
    past.kafka.append(Message("legit", b"a", PAID, (), past.now, 1))
    past.kafka.append(Message(INPUT, b"a", PAID, (), past.now, 1))
    output, [remark, *_] = found(past.explained(Place(INPUT, 1, 0)))
    assert output == Place("legit", 1, 0)
    assert remark.endswith("shown: legit[1] offset 0, legit[0] offset 0")
