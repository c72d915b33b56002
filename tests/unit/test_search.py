"""The transaction with an id is looked for from the end of the input back."""

from collections.abc import Sequence

import pytest

from messaging.batch import Offsets, Place, Record, place_of
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from rules.places import place_in_id
from rules.search import Found, Ids, search, windows
from runtime.settings import read_settings
from tests.support.in_memory_past import INPUT, Past

A, B = ("a", 0), ("a", 1)


def spans(ends: Offsets, most: int) -> Sequence[dict[tuple[str, int], tuple[int, int]]]:
    return [{at: (starts[at], until[at]) for at in starts} for starts, until in windows(ends, most)]


def test_each_window_is_twice_as_large_as_the_last_one() -> None:
    assert spans({A: 1_000_000}, 70_000) == [
        {A: (990_000, 1_000_000)},
        {A: (970_000, 990_000)},
        {A: (930_000, 970_000)},
    ]


def test_the_first_window_may_be_a_small_one() -> None:
    assert [starts for starts, _ in windows({A: 1_000_000}, 70_000, 100)][:2] == [{A: 999_900}, {A: 999_700}]


def test_a_partition_that_is_read_whole_leaves_its_share_to_the_others() -> None:
    assert spans({A: 4_000, B: 40_000}, 100_000) == [
        {A: (0, 4_000), B: (35_000, 40_000)},
        {B: (15_000, 35_000)},
        {B: (0, 15_000)},
    ]


def test_no_more_is_looked_through_than_was_asked_for() -> None:
    assert spans({A: 100, B: 100}, 8) == [{A: (96, 100), B: (96, 100)}]
    assert spans({A: 0}, 8) == spans({}, 8) == []


def found(past: Past, wanted: str, most: int = 1_000) -> Found:
    ids = Ids(past.settings.decision.mapping)
    return search(past.cluster, INPUT, lambda record: ids.of(record) == wanted, most)


def paid(identity: object) -> bytes:
    return b'{"id":%s,"source":"a","target":"b","amount":1}' % str(identity).encode()


def test_the_newest_comes_first_and_all_that_were_looked_through_are_told() -> None:
    past = Past()
    first = past.write(INPUT, paid('"x"'))
    past.write(INPUT, paid('"y"'))
    past.now += 1
    last = past.write(INPUT, paid('"x"'))
    answer = found(past, "x")
    assert [place_of(record) for record in answer.records] == [last, first]
    assert (answer.searched, answer.is_all) == (3, True)
    assert found(past, "x", 1).records == answer.records[:1]
    assert not found(past, "nothing", 1).is_all


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        (paid(17), "17"),
        (paid('"\\u0041"'), "A"),
        (b'\0\0\0\0\1{"id":"framed"}', "framed"),
        (b'{"id":"no transaction","amount":-1}', "no transaction"),
        (b'{"id":true}', None),
        (b'{"source":"a"}', None),
        (b'{"id":"x"', None),
        (b'{"id":' * 900 + b"1" + b"}" * 900, None),
        (b"[]", None),
        (b"", None),
        (None, None),
    ],
)
def test_an_id_is_read_as_it_is_mapped_also_where_the_rest_is_no_transaction(
    value: bytes | None, identity: str | None
) -> None:
    assert Ids(DEFAULT_MAPPING).of(Record(INPUT, 0, 0, 0, None, value, ())) == identity


def test_an_id_may_be_mapped_elsewhere() -> None:
    mapping = read_settings(FieldMapping, {"FIELD_ID": "payload.id"})
    assert Ids(mapping).of(Record(INPUT, 0, 0, 0, None, b'{"payload":{"id":7},"id":"x"}', ())) == "7"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.b-1-0-12", Place("a.b-1", 0, 12)),
        ("a.b-1-0", None),
        ("aXb-1-0-12", None),
        ("a.b-1-0--12", None),
        ("a.b-1-0-12\n", None),
        ("a.b-1-0-" + "9" * 30, None),
    ],
)
def test_an_id_that_is_a_place_names_it(text: str, place: Place | None) -> None:
    assert place_in_id(text, "a.b-1") == place
