"""No expression takes a millisecond, whatever the record holds."""

from collections.abc import Callable
from time import perf_counter

import pytest

from decision.expression import translate
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.scope import Scope
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from tests.support.expressions import paid

MEGABYTE = 1_000_000
LONG = {
    "ASCII": b'"%s"' % (b"a" * MEGABYTE),
    "escapes": b'"%s"' % (b"\\n" * (MEGABYTE // 2)),
    "escaped characters": b'"%s"' % (b"\\u00e9" * (MEGABYTE // 6)),
    "array": b"[%s1]" % (b"1," * (MEGABYTE // 2)),
    "object": b'{"x":[%s{}]}' % (b"{}," * (MEGABYTE // 3)),
    "digits": b"1" * MEGABYTE,
    "decimals": b"1.%s" % (b"1" * MEGABYTE),
}
SLOW = {
    "escapes": b'"%s"' % (b"\\u00e9" * 510),
    "digits": b"1" * 256,
    "unheld": b"1e99999999999999999999",
}


def milliseconds(ask: Callable[[], object]) -> float:
    """Return how long it takes, the best of many times."""
    times = []
    for _ in range(50):
        started = perf_counter()
        ask()
        times.append(perf_counter() - started)
    return 1000 * min(times)


def cost(expression: str, value: bytes) -> float:
    """Return how many milliseconds it takes of what is decoded already."""
    scope = Scope()
    translate(expression, scope)
    rules = RuleSet({"rule": Held(Rule(expression))})
    transaction = TransactionReader(DEFAULT_MAPPING, wanted=scope.fields).read(value)
    return milliseconds(lambda: rules.outcomes(transaction, 0))


@pytest.mark.parametrize("kind", LONG)
def test_a_long_field_costs_no_more_than_a_short_one(kind: str) -> None:
    assert cost('field["x"] == field["y"] or field["x"] is None', paid(x=LONG[kind], y=LONG[kind])) < 0.1


@pytest.mark.parametrize("kind", SLOW)
def test_as_many_fields_as_there_can_be_take_less_than_a_millisecond(kind: str) -> None:
    names = [f"f{number}" for number in range(50)]
    tens = (names[at : at + 10] for at in range(0, 50, 10))
    lists = (", ".join(map('field["{}"]'.format, ten)) for ten in tens)
    expression = " or ".join(map("first_known({}) is None".format, lists))
    assert cost(expression, paid(**dict.fromkeys(names, SLOW[kind]))) < 1


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        (" or ".join(["id in source"] * 48), {"id": "a" * 85 + "b" + "a" * 85, "source": "a" * 256}),
        (" or ".join(["starts_with(id, source)"] * 35), {"id": "a" * 255 + "b", "source": "a" * 255 + "\u0100"}),
        (" or ".join(["lower(id) is None"] * 39), {"id": "\u03a3" * 256}),
        (" or ".join(["id == source"] * 48), {"id": "a" * MEGABYTE, "source": "a" * MEGABYTE}),
        (" <= ".join(["source", "target"] * 95), {"source": "a" * MEGABYTE, "target": "a" * MEGABYTE + "\u0100"}),
    ],
)
def test_texts_without_end_take_less_than_a_millisecond(expression: str, fields: dict[str, str]) -> None:
    assert cost(expression, paid(**{name: f'"{text}"'.encode() for name, text in fields.items()})) < 1


@pytest.mark.parametrize("expression", [" <= ".join(["1", "amount"] * 95), " + ".join(["-amount"] * 60) + " > 0"])
def test_an_amount_without_end_takes_less_than_a_millisecond(expression: str) -> None:
    assert cost(expression, paid(amount=b"1.%s1" % (b"0" * MEGABYTE))) < 1


@pytest.mark.parametrize("time", [b"1.%s" % (b"1" * MEGABYTE), b'"%s"' % (b"1" * MEGABYTE)])
def test_a_time_without_end_takes_less_than_a_millisecond(time: bytes) -> None:
    assert cost(" or ".join(['hour("Europe/Berlin") > weekday("UTC")'] * 20), paid(timestamp=time)) < 1
