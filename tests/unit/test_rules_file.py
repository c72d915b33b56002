"""Rules in a file: what is read, what is wrong with it, what is written, and what its examples come to."""

import time
import tomllib
from collections.abc import Sequence

import pytest

from decision.list_change import NAME_EXPECTED
from decision.members import EXPECTED
from decision.rule import Rule
from decision.rulebook import Held
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from rules import rule_file
from rules.examples import failures, rules_of
from rules.rule_file import InvalidFile
from tests.support.rules_command import lines

PAYMENT = '{"id": "1", "source": "a", "target": "b", "amount": 812.10, "country": "NG"}'
DEFAULTS = {"amount_over_threshold": Rule("amount > 900")}


def test_a_rule_is_read_with_numbers_or_texts() -> None:
    found = rule_file.read(
        """
        [rules.a]
        when = 'amount > 5'
        mode = 'off'
        points = 60
        share = 12.50
        note = 'n'
        [rules.a.candidate]
        when = 'amount > 6'
        points = 70
        [rules.amount_over_threshold.candidate]
        when = 'amount > 7'
        """
    )
    assert found.rules == {
        "a": Held(Rule("amount > 5", "off", "60", "12.50", "n"), Rule("amount > 6", "shadow", "70")),
        "amount_over_threshold": Held(None, Rule("amount > 7", "shadow")),
    }
    assert found.examples == []


def test_an_empty_file_has_no_rules() -> None:
    found = rule_file.read("")
    assert (found.rules, found.examples, found.lists.lists) == ({}, [], {})


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("[rules.a", ["Expected ']' at the end of a table declaration (at end of document)"]),
        ("rule = 1", ["Object contains unknown field `rule`"]),
        ("[rules.a]", ["rules.a: `when` is missing"]),
        ("[rules.a]\nnote = 'n'\n[rules.a.candidate]\nwhen = 'amount > 5'", ["rules.a: `when` is missing"]),
        ("[rules.a]\nwhn = 'x'", ["rules.a: Object contains unknown field `whn`"]),
        (
            "[rules.'a b']\nwhen = 'amount > 5'",
            ["rules.'a b': a rule's name begins with a letter and has at most 100 letters, digits, dots, _ and -"],
        ),
        (
            "[rules.a]\nwhen = 'amont > 5'\n[rules.b.candidate]\nwhen = 'amount'",
            [
                "rules.a: there is no name amont; did you mean amount?\n  amont > 5\n  ^",
                "rules.b.candidate: a condition is expected here, and this is a number\n  amount\n  ^",
            ],
        ),
        (
            "rules.a.when = 'amount > 5'\n[[examples]]\ntransaction = '{}'\nhits = ['b']\nundecided = ['c']",
            ["examples, the 1.: there is no rule b", "examples, the 1.: there is no rule c"],
        ),
        ("[[examples]]\nname = 'x'", ["examples, the 1.: Object missing required field `transaction`"]),
        (
            "[lists]\nx = ['a', nan]\n'a b' = []\ny = [1979-05-27, [1]]\nz = [1e99999]",
            [
                f"lists.x: {EXPECTED}",
                f"lists.'a b': {NAME_EXPECTED}",
                f"lists.y: {EXPECTED}",
                f"lists.z: {EXPECTED}",
            ],
        ),
        ("lists.x = 5", ["Expected `array`, got `int` - at `$.lists[...]`"]),
        ("".join(f"[rules.a{n}]\nwhen = 'amount > 5'\n" for n in range(501)), ["more than 500 rules"]),
    ],
)
def test_all_mistakes_are_told_with_their_places(text: str, mistakes: Sequence[str]) -> None:
    with pytest.raises(InvalidFile) as refused:
        rule_file.read(text)
    assert refused.value.mistakes == mistakes


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (
            "1e300000000",
            "rules.a: a number is written with digits and a point, such as 900 or 0.5\n  1E+300000000\n  ^",
        ),
        (
            "1e-300000000",
            "rules.a: a number is written with digits and a point, such as 900 or 0.5\n  1E-300000000\n  ^",
        ),
        ("1e9999999999999999999", "1e9999999999999999999 is beyond all numbers"),
        ("9" * 5_000, "Exceeds the limit"),
    ],
)
def test_a_number_of_any_size_is_soon_refused(number: str, problem: str) -> None:
    begin = time.process_time()
    with pytest.raises(InvalidFile) as refused:
        rule_file.read(f"[rules.a]\nwhen = 'amount > 5'\npoints = {number}")
    assert refused.value.mistakes[0].startswith(problem)
    assert time.process_time() - begin < 0.5


def test_an_exponent_is_written_out() -> None:
    assert rule_file.read("[rules.a]\nwhen = 'amount > 5'\npoints = 6e1").rules == {
        "a": Held(Rule("amount > 5", points="60"))
    }


def test_what_is_written_can_be_read() -> None:
    state = {
        "b": Held(Rule("amount > 5", "off", "amount / 2", "0.5", 'it\'s a "no"')),
        "a.b": Held(Rule("field[\"a'b\"] == 'c'\n  and amount > 5 \x9b"), Rule("amount > 6", "shadow")),
        "c": Held(None, Rule("amount > 7", "shadow", note="n")),
    }
    text = rule_file.text_of(state)
    assert text.replace("\n", "").isprintable()
    assert list(tomllib.loads(text)["rules"]) == ["a.b", "b", "c"]
    with pytest.raises(InvalidFile):  # what a rule cannot hold can be shown all the same
        rule_file.read(text)
    del state["a.b"]
    assert rule_file.read(rule_file.text_of(state)).rules == state


def tried(text: str) -> Sequence[str]:
    """Return what is said of the examples of a file."""
    found = rule_file.read(text)
    rules = rules_of(found.rules, DEFAULTS, TransactionReader(DEFAULT_MAPPING), found.lists)
    return [line for failed in failures(found.examples, rules) for line in lines(failed)]


RULES = """
[rules.abroad]
when = 'field["country"] == "NG"'
points = 60
[rules.risky]
when = 'field["risk"] > 5'
[rules.none]
when = 'amount > 1'
share = 0
[rules.abroad.candidate]
when = 'amount > 800'
"""


@pytest.mark.parametrize(
    "expected",
    [
        "",
        "hits = ['abroad', 'abroad (candidate)']",
        "undecided = ['risky']",
        "verdict = 'legit'",
    ],
)
def test_an_example_that_is_as_expected_is_not_told(expected: str) -> None:
    assert tried(f"{RULES}[[examples]]\ntransaction = '{PAYMENT}'\n{expected}") == []


def test_a_failed_example_is_told_with_what_each_rule_saw() -> None:
    expected = "name = 'night'\nhits = []\nundecided = ['abroad']\nverdict = 'fraud'"
    assert tried(f"{RULES}[[examples]]\ntransaction = '{PAYMENT}'\n{expected}") == [
        f"example 1 (night): {PAYMENT}",
        "hits expected none, found abroad, abroad (candidate)",
        "undecided expected abroad, found risky",
        "verdict expected fraud, found legit (60 points)",
        "amount_over_threshold no hit: amount = 812.10",
        'abroad hit: field["country"] = "NG"',
        'risky undecided: field["risk"] = None',
        "none not for this account: amount = 812.10",
        "abroad (candidate) hit: amount = 812.10",
    ]


def test_a_transaction_may_be_a_table_and_has_no_time_but_its_own() -> None:
    table = "transaction = {id = 1, source = 'a', target = 'b', amount = 900.5}"
    rule = "[rules.night]\nwhen = 'hour(\"UTC\") < 24'\n"
    assert tried(f"{rule}[[examples]]\n{table}\nundecided = ['night']\nverdict = 'fraud'") == []


def test_an_example_that_is_no_transaction_has_failed() -> None:
    assert tried("[[examples]]\ntransaction = '{'\nverdict = 'legit'") == [
        "example 1: {",
        "not a transaction not JSON: Input data was truncated",
    ]


def test_the_lists_of_a_file_are_those_of_its_examples() -> None:
    rule = """[rules.blocked]\nwhen = 'source in list["blocked"] and field["n"] in list["numbers"]'\n"""
    lists = "[lists]\nblocked = ['a', 'b']\nnumbers = [1, 2.50, true]\nempty = []\n"
    example = "[[examples]]\ntransaction = {id = 1, source = 'a', target = 'b', amount = 5, n = 2.5}\n"
    assert tried(f"{rule}{lists}{example}hits = ['blocked']") == []
    saw = 'source = "a", source in list["blocked"] = False, field["n"] = 2.5, field["n"] in list["numbers"] = False'
    assert tried(f"{rule}{example}hits = ['blocked']")[1:] == [
        "hits expected blocked, found none",
        "amount_over_threshold no hit: amount = 5",
        f"blocked no hit: {saw}",
    ]
