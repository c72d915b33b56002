"""Random expressions of the rule language, and random payloads and lists that they may be asked about."""

import json
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from decision.history import FORMAT
from decision.list_change import ListChange, ListChangeSet

LITERALS = st.sampled_from(["0", "1", "5", "900", "0.1", "0.30", "-7", "1000000", f"3.{'0' * 40}1", "9" * 55])
WORDS = st.sampled_from(["", "a", "NG", "ng", "5", "-7.5e1", "\u00df", "\U0001f4b6", "2026", 'q"\\'])
QUOTED = WORDS.map(lambda text: json.dumps(text, ensure_ascii=False))
FIELDS = st.sampled_from(["a", "b", "card-id"])
LOOKED_AT = st.one_of(
    FIELDS.map('field["{}"]'.format), st.tuples(FIELDS, FIELDS).map('field["{0[0]}"]["{0[1]}"]'.format)
)
TIMED = st.tuples(st.sampled_from(["hour", "weekday"]), st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]))
LISTS = st.sampled_from(["blocked", "vip-1"])
SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])


# What is recursive stands behind st.deferred: of itself, the text for it in a message is megabytes long.
def _numbers() -> st.SearchStrategy[str]:
    called = st.sampled_from(["absolute({})", "-{}", "round_down({})", "number({})"])
    of_two = st.sampled_from(["round_down({}, {})", "smallest({}, {})", "largest({}, {}, 5)"])
    return st.one_of(
        LITERALS,
        st.just("amount"),
        LOOKED_AT,
        TIMED.map('{0[0]}("{0[1]}")'.format),
        TEXTS.map("length({})".format),
        st.tuples(called, NUMBERS).map(lambda parts: parts[0].format(parts[1])),
        st.tuples(of_two, NUMBERS, NUMBERS).map(lambda parts: parts[0].format(*parts[1:])),
        st.tuples(NUMBERS, st.sampled_from("+-*/%"), NUMBERS).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(NUMBERS, CONDITIONS, NUMBERS).map("({0[0]} if {0[1]} else {0[2]})".format),
    )


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(
        QUOTED,
        st.sampled_from(["id", "source", "target", "currency"]),
        LOOKED_AT,
        TEXTS.map("lower({})".format),
        st.tuples(TEXTS, TEXTS).map("first_known({0[0]}, {0[1]})".format),
    )


def _memberships() -> st.SearchStrategy[str]:
    simple = st.sampled_from(["source", "target", "amount", 'field["a"]', "currency", "id"])
    asked = st.one_of(simple, simple, LOOKED_AT, NUMBERS, TEXTS)
    return st.tuples(asked, st.sampled_from(["in", "not in"]), LISTS).map('{0[0]} {0[1]} list["{0[2]}"]'.format)


def _conditions() -> st.SearchStrategy[str]:
    values = st.one_of(NUMBERS, TEXTS)
    listed = st.lists(st.one_of(QUOTED, LITERALS), min_size=1, max_size=3).map(
        lambda items: f'{{{", ".join(items)}, "a", 5}}'
    )
    return st.one_of(
        st.sampled_from(["True", "False"]),
        LOOKED_AT,
        st.tuples(NUMBERS, SIGNS, NUMBERS).map(" ".join),
        st.tuples(NUMBERS, SIGNS, NUMBERS, SIGNS, NUMBERS).map(" ".join),
        st.tuples(TEXTS, SIGNS, TEXTS).map(" ".join),
        st.tuples(LOOKED_AT, SIGNS, values).map(" ".join),
        st.tuples(LOOKED_AT, st.sampled_from(["== 1", "!= 1", "in {1}", "not in {1}"])).map(" ".join),
        st.tuples(CONDITIONS, CONDITIONS).map("({0[0]}) == ({0[1]})".format),
        st.tuples(values, st.sampled_from(["in", "not in"]), listed).map(" ".join),
        MEMBERSHIPS,
        st.tuples(TEXTS, st.sampled_from(["in", "not in"]), st.one_of(LOOKED_AT, st.just("target"))).map(" ".join),
        st.tuples(values, st.sampled_from(["is None", "is not None"])).map(" ".join),
        CONDITIONS.map("({}) is None".format),
        st.tuples(st.sampled_from(["starts_with", "ends_with"]), TEXTS, TEXTS).map("{0[0]}({0[1]}, {0[2]})".format),
        CONDITIONS.map("not ({})".format),
        st.tuples(CONDITIONS, st.sampled_from(["and", "or"]), CONDITIONS).map("({0[0]}) {0[1]} ({0[2]})".format),
        st.tuples(CONDITIONS, CONDITIONS, CONDITIONS).map("(({0[0]}) if {0[1]} else ({0[2]}))".format),
    )


NUMBERS: st.SearchStrategy[str] = st.deferred(_numbers)
TEXTS: st.SearchStrategy[str] = st.deferred(_texts)
MEMBERSHIPS: st.SearchStrategy[str] = st.deferred(_memberships)
CONDITIONS: st.SearchStrategy[str] = st.deferred(_conditions)


def paid(**fields: bytes) -> bytes:
    """Return the JSON of a transaction with these fields."""
    named = {"id": b'"1"', "source": b'"a"', "target": b'"b"', "amount": b"5", **fields}
    return b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), value) for name, value in named.items())


SCALARS = st.one_of(
    LITERALS,
    st.sampled_from(["true", "[1]", "1"]),
    WORDS.map(json.dumps),
    st.sampled_from(["true", "false", "null", "-0.0", "1e60", "1e-70", "1e400000", "0.10", "[]", "[5]", "{}"]),
    st.sampled_from(["9" * 256, "9" * 257, *map(json.dumps, ("x" * 256, "x" * 257, "\u0130" * 129))]),
)
LARGE_AMOUNTS = st.sampled_from(["1e60", f"900.{'0' * 6000}1"])
TIMES = st.sampled_from(
    [
        *('"2026-11-27T23:30:00Z"', '"0001-01-01"', '"9999-12-31T23:59:59-12:00"', '"2026-03-29 01:30"'),
        *("1790000000000", '"soon"', "null"),
    ]
)


def _object(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in fields.items()) + "}"


OBJECTS = st.dictionaries(FIELDS, SCALARS, max_size=3).map(_object)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Return the JSON of a transaction with some of the fields."""
    more = draw(st.dictionaries(FIELDS, st.one_of(SCALARS, OBJECTS), max_size=3))
    amounts = st.one_of(LITERALS, st.sampled_from(["1e60", f"900.{'0' * 6000}1"])).map(
        lambda written: written.removeprefix("-")
    )
    names = {"id": '"1"', "source": '"a"', "target": '"NG"'}
    paid = {**names, "amount": draw(amounts), "currency": json.dumps(draw(WORDS)), "timestamp": draw(TIMES)}
    return _object({**paid, **more}).encode()


MEMBERS = st.one_of(
    st.sampled_from(["a", "NG", "1", 5, 900, 0]),
    WORDS,
    st.booleans(),
    st.integers(-7, 5),
    st.sampled_from(["true", "1", "x" * 256, Decimal("0.1"), Decimal("5.0"), Decimal(-7), 900, 10**6]),
)
EXPIRIES = st.sampled_from(
    [
        None,
        *("2026-11-27T23:30:00Z", "2026-11-28T00:30:00.000001+01:00", "0001-01-01T00:00:00+23:59"),
        *("9999-12-31T23:59:59-12:00", "2026-09-21T14:13:20.123Z", "2026-09-21T14:13:20.124Z", "1970-01-01T00:00:00Z"),
    ]
)
_MANY = st.lists(MEMBERS, min_size=3, max_size=9)
_MADE = st.builds(ListChange, LISTS, st.just(0), _MANY, st.lists(MEMBERS, max_size=2))
_EXPIRING = st.builds(ListChange, LISTS, st.just(0), _MANY, expires=EXPIRIES)
LIST_CHANGES = st.lists(st.one_of(_MADE, _EXPIRING), min_size=1, max_size=4).map(
    lambda made: ListChangeSet(FORMAT, "mark", "anna", made)
)
