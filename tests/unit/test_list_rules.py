"""Lists in the rule language: `source in list["blocked"]`; see docs/rules.md."""

import pytest

from decision.asked_rule import lists_named
from decision.expression import translate
from decision.lists import ListBook
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.scope import Scope
from decision.source import InvalidExpression
from decision.verdict import in_words
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from tests.support.lists import added, list_book, take

NOON = "2026-12-24T12:00:00"
PAID = b"""{"id": "7", "source": "a", "target": "shop", "amount": 812.10, "timestamp": "2026-12-24T12:00:00Z", "n": 1,
"text": "1", "yes": true, "no": false, "nothing": null, "array": [1], "object": {}, "decimal": 1.0, "huge": 1e999999}"""
NUMBER_1, TRUE = 1, True
LISTS = list_book(
    added("a", name="blocked"),
    added(NUMBER_1, name="numbers"),
    added("1", name="texts"),
    added(TRUE, name="truths"),
    added("a", name="until.noon", expires=f"{NOON}Z"),
    added("a", name="until-later", expires=f"{NOON}.000001Z"),
    added("shop", name="in_berlin", expires="2026-12-24T13:00:00+01:00"),
    added("gone", name="emptied"),
)


def saw(expression: str, value: bytes = PAID, record_ms: int = 0, lists: ListBook = LISTS) -> bool | None:
    """Return true or false, or None for undecided."""
    paid = TransactionReader(DEFAULT_MAPPING).read(value)
    [outcome] = RuleSet({"rule": Held(Rule(expression))}).outcomes(paid, record_ms, lists)
    return outcome


@pytest.mark.parametrize(
    "expression",
    [
        'source in list["blocked"]',
        'not (target in list["blocked"])',
        'target not in list["blocked"] and amount > 5',
        'source not in list["nowhere"]',
        'field["n"] in list["numbers"] and field["decimal"] in list["numbers"]',
        'field["n"] not in list["texts"] and field["n"] not in list["truths"]',
        'field["text"] in list["texts"] and field["text"] not in list["numbers"]',
        'field["yes"] in list["truths"] and field["no"] not in list["truths"]',
        'field["yes"] not in list["numbers"] and field["yes"] not in list["texts"]',
        'number(field["text"]) in list["numbers"]',
        '(amount > 5) in list["truths"]',
        '"a" in list["blocked"] and 1.0 in list["numbers"] and True in list["truths"]',
        'field["array"] not in list["numbers"] and field["object"] not in list["blocked"]',
        'field["huge"] not in list["numbers"]',
        'lower("A") in list["blocked"]',
        'source not in list["until.noon"] and source in list["until-later"]',
        'target not in list["in_berlin"]',
        '(field["nothing"] in list["blocked"]) is None and (field["missing"] not in list["blocked"]) is None',
        'first_known(field["missing"] in list["blocked"], True)',
        '(source in list["blocked"]) == (source in list["until-later"])',
    ],
)
def test_it_is_true(expression: str) -> None:
    assert saw(expression) is True


@pytest.mark.parametrize("value", ["null", '""', '"%s"' % ("x" * 257)])
def test_what_is_missing_or_too_long_is_undecided_in_any_list(value: str) -> None:
    paid = b'{"id":"1","source":"a","target":"b","amount":1,"currency":%s}' % value.encode()
    assert saw('currency in list["blocked"]', paid) is None
    assert saw('currency not in list["nowhere"]', paid) is None


@pytest.mark.parametrize(
    ("at", "is_in"),
    [("11:59:59.999999Z", True), ("12:00:00Z", False), ("12:59:59+01:00", True), ("13:00:00+01:00", False)],
)
def test_a_member_is_in_until_its_expiry_by_the_events_time(at: str, is_in: bool) -> None:  # noqa: FBT001 - a case
    paid = PAID.replace(b"12:00:00Z", at.encode())
    assert saw('source in list["until.noon"]', paid, record_ms=0) is is_in


def test_the_records_time_counts_where_the_event_has_none() -> None:
    paid = b'{"id":"1","source":"a","target":"b","amount":1}'
    noon_ms = 1_798_113_600_000
    assert saw('source in list["until.noon"]', paid, noon_ms - 1000) is True
    assert saw('source in list["until.noon"]', paid, noon_ms) is False
    assert saw('source in list["until.noon"]', paid, -1) is None
    assert saw('source in list["blocked"]', paid, -1) is True
    assert saw('target in list["until.noon"]', paid, -1) is False


def test_a_list_may_expire_at_any_time_there_is() -> None:
    ends = {"0001-01-01T00:00:00+23:59": False, "9999-12-31T23:59:59.999999-23:59": True}
    for time, is_in in ends.items():
        for at in ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"):
            paid = PAID.replace(b"2026-12-24T12:00:00Z", at.encode())
            assert saw('source in list["x"]', paid, lists=list_book(added("a", name="x", expires=time))) is is_in


def test_what_a_rule_saw_names_the_list() -> None:
    paid = TransactionReader(DEFAULT_MAPPING).read(PAID)
    rules = RuleSet({"r": Held(Rule('source in list["blocked"] and field["n"]   not in list["texts"]'))})
    [hit] = rules.judge(paid, 0, LISTS).hits
    seen = 'source = "a", source in list["blocked"] = True, field["n"] = 1, field["n"] in list["texts"] = False'
    assert in_words(hit.saw) == seen


def test_points_may_depend_on_a_list() -> None:
    paid = TransactionReader(DEFAULT_MAPPING).read(PAID)
    rule = Rule("amount > 1", points='150 if source in list["blocked"] else 7')
    rules = RuleSet({"r": Held(rule)})
    assert [rules.judge(paid, 0, lists).score for lists in (LISTS, ListBook())] == [150, 7]


def test_a_list_is_asked_as_it_is_at_the_moment() -> None:
    paid = TransactionReader(DEFAULT_MAPPING).read(PAID)
    rules, lists = RuleSet({"r": Held(Rule('source in list["blocked"]'))}), ListBook()
    assert rules.outcomes(paid, 0, lists) == [False]
    take(lists, added("a"))
    assert rules.outcomes(paid, 0, lists) == [True]


def test_a_rule_knows_which_lists_it_asks() -> None:
    expression = 'source in list["a"] or target in list["b"] or source in list["a"]'
    assert lists_named([Rule(expression)]) == ["a", "b"]
    assert lists_named([Rule(expression, points='5 if id in list["c"] and id in list["a"] else 6')]) == [*"abc"]
    assert lists_named([Rule("amount > 5")]) == []


@pytest.mark.parametrize(
    ("expression", "problem", "column"),
    [
        ('list["blocked"]', 'a list may only follow `in` or `not in`: source in list["blocked"]', 0),
        ('source == list["blocked"]', 'a list may only follow `in` or `not in`: source in list["blocked"]', 10),
        ('list["a"] in list["b"]', 'a list may only follow `in` or `not in`: source in list["blocked"]', 0),
        ('length(list["a"]) > 5', 'a list may only follow `in` or `not in`: source in list["blocked"]', 7),
        ("source in list", 'a list is written list["blocked"]', 10),
        ("list > 5", 'a list is written list["blocked"]', 0),
        ("source in list[target]", "a text in quotes is expected here", 15),
        ("source in list[5]", "a text in quotes is expected here", 15),
        ("source in list[0:5]", "a text in quotes is expected here", 15),
        ('source in list["a"]["b"]', 'only field can be followed by ["name"]', 10),
        ('source in list("a")', "there is no function list", 10),
        (
            'source in list["a b"]',
            "a list's name begins with a letter or a digit and has at most 100 letters, digits, dots, _ and -",
            15,
        ),
        (
            'source in list[""]',
            "a list's name begins with a letter or a digit and has at most 100 letters, digits, dots, _ and -",
            15,
        ),
        ('source in list["\\ud800"]', "half of a surrogate pair is not a character", 15),
        ('source in lists["a"]', 'only field can be followed by ["name"]', 10),
        ('0 < source in list["a"]', "`in` and `is` cannot be part of a chain: write `a in b and b < c`", 14),
    ],
)
def test_what_is_not_allowed_is_said_with_its_place(expression: str, problem: str, column: int) -> None:
    with pytest.raises(InvalidExpression) as error:
        translate(expression, Scope())
    said, shown, caret = str(error.value).split("\n")
    assert said.startswith(problem)
    assert (shown, caret) == (f"  {expression}", "  " + " " * column + "^")
