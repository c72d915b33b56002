"""The rule language: what is allowed, and what it means; see docs/rules.md."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.source import InvalidExpression
from decision.verdict import in_words
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction

PAID = b"""{"id": "7", "source": "a", "target": "shop", "amount": 812.10, "currency": "EUR",
"timestamp": "2026-11-27T23:30:00Z", "country": "NG", "n": 5, "exact": 0.30, "yes": true, "no": false, "nothing": null,
"list": [1], "object": {}, "text": "5", "risk": {"score": "0.9"}, "card-id": {"3ds": "x"}, "huge": 1e60,
"long": 1.000000000000000000000000000000000000000000000000001}"""


def saw(expression: str, value: bytes = PAID, record_ms: int = 0) -> bool | None:
    """Return true or false, or None for undecided."""
    paid = TransactionReader(DEFAULT_MAPPING).read(value)
    [outcome] = RuleSet({"rule": Held(Rule(expression))}).outcomes(paid, record_ms)
    return outcome


@pytest.mark.parametrize(
    "expression",
    [
        "amount > 812.09",
        "amount >= 812.1",
        'amount >= 500 and field["country"] in {"NG", "RU"} and hour("Europe/Berlin") < 6',
        'currency != "USD" and amount * 1.12 > 900',
        'amount > 300 if field["risk"]["score"] is None else number(field["risk"]["score"]) > 0.8',
        'field["card-id"]["3ds"] == "x"',
        "800 < amount <= 812.1 != 5",
        'field["exact"] == 0.3 == 0.30',
        'field["yes"]',
        'not field["no"]',
        'field["yes"] == True',
        'field["yes"] != 1',
        'field["n"] in [4, 5.0]',
        'field["n"] not in [-5]',
        'field["n"] not in ("5", 6)',
        'field["yes"] not in [1]',
        'field["list"] != 1',
        'field["list"] not in [1]',
        '"ho" in target',
        'target in {"shop", "other"} and amount not in {5}',
        "amount - amount % 100 == 800 and round_down(amount, 100) == 800 and round_down(-0.5) == -1",
        "absolute(-amount) == 812.1 and -amount < 0 and amount + 1 - 1 == amount / 1",
        'lower(field["country"]) == "ng" and length(target) == 4',
        'starts_with(target, "sh") and ends_with(target, "op")',
        'smallest(amount, 5, field["n"]) == 5 and largest(5, amount) == amount',
        'first_known(field["missing"], 7) == 7 == number(7)',
        'weekday("UTC") == 5 and weekday("Europe/Berlin") == 6',
        '(amount > 1 if field["n"] > 9 else amount > 2)',
        'field["nothing"] is None and field["missing"]["x"] is None and (field["missing"] > 1) is None',
        'field["huge"] > 1 and field["huge"] + 1 is None and field["long"] * 1 is None and field["long"] > 1',
        "(source if amount > 5 else 7) not in {7}",
        f"round_down(-0.5, 1{'0' * 48}1) == -1{'0' * 48}1",
        "amount / 0 is None and 0 / 0 is None and 1 / 3 * 3 < 1",
        "\tamount\r\n >\f 1",
    ],
)
def test_what_is_true(expression: str) -> None:
    assert saw(expression) is True
    assert saw(f"not ({expression})") is False


@pytest.mark.parametrize(
    "expression",
    [
        'field["missing"] > 5',
        'field["text"] > 5',
        'field["yes"] > 0',
        'field["missing"] == 5',
        'field["missing"] != 5',
        'field["missing"] in {5}',
        'field["missing"] not in {5}',
        'field["list"] == field["object"]',
        'field["n"] in target',
        'field["missing"] > 5 and amount > 5',
        'field["missing"] > 5 or amount > 5000',
        'field["n"] and amount > 5',
        'field["n"]',
        'amount > 1 if field["missing"] > 1 else amount > 2',
        'field["missing"] if amount > 1 else True',
        "amount < amount / 0 < 5",
        'number(field["country"]) > 5',
        'lower(field["n"]) == "5"',
        'smallest(field["text"], 5) == 5',
        'number("1e99999999999999999999") > 5',
        f"round_down(1{'0' * 29}, 0.{'0' * 31}1) > 0",
        "round_down(amount, 0) > 0",
        "round_down(amount, -1) > 0",
        "((source if amount > 5 else amount) < 5)",
    ],
)
def test_what_is_undecided(expression: str) -> None:
    assert saw(expression) is None
    assert saw(f"not ({expression})") is None


def test_what_decides_though_a_part_is_undecided() -> None:
    assert saw('field["missing"] > 5 and amount > 5000') is False
    assert saw('field["missing"] > 5 or amount > 5') is True


@pytest.mark.parametrize(
    ("expression", "problem", "column"),
    [
        ("amont > 900", "there is no name amont; did you mean amount?", 0),
        ("amount > 900 and curency == 'x'", "did you mean currency?", 17),
        ("\t\tamount >\r nothing", "there is no name nothing", 12),
        ('"\U0001f4b6\u65e5" == curency', "did you mean currency?", 10),
        ('country == "NG"', 'another field of the record is written field["country"]', 0),
        ("amount == true", "did you mean True?", 10),
        ("amount == null", 'written field["null"]', 10),
        ('currency in {"NG" "RU"}', "a comma is missing between two texts", 18),
        ("\xa0amount > 5", "U+00A0", 0),
        ('hour("localtime") < 3', "no such time zone", 5),
        ('hour("right/UTC") < 3', "no such time zone", 5),
        ('hour("Europe") < 3', "no such time zone", 5),
        (f'hour("{"x" * 256}") < 3', "no such time zone", 5),
        ("smallest(1) < 3", "expected smallest(number, number, ...) of 2 to 10", 0),
        (f"largest({', '.join('5' * 11)}) < 3", "expected largest(", 0),
        ("amount = 900", "docs/rules.md says what is allowed", 7),
        ("field > 3", "a field is written", 0),
        ("amount > (1, 2)", "a list, which is what a comma makes, is not allowed here", 9),
        ("amount > 1 | amount > 2", "| is not allowed", 9),
        ('"e\u0301" == curency', "did you mean currency?", 7),
        ('"e\ufe0f\u20dd" == curency', "did you mean currency?", 7),
        ('"\u1112\u1161\u11ab" == curency', "did you mean currency?", 8),
        ("len(id) > 3", "there is no function len", 0),
        ("amount > 900 # and amount < 5", "comments are not allowed", 13),
        ("(amount > 900 # )", "'(' was never closed", 0),
        ("amount >", "invalid syntax", 8),
        ('"\u2028" == amont', "did you mean amount?", 7),
        ('amount > "900"', "text is compared with a number", 9),
        ("amount", "a condition is expected here, and this is a number", 0),
        ("amount and amount > 5", "a condition is expected here", 0),
        ("amount + currency > 5", "a number is expected here, and this is text", 9),
        ("currency * 5 == 'x'", "a number is expected here, and this is text", 0),
        ("amount ** 2 > 3", "** is not allowed here", 0),
        ("-currency == 5", "a number is expected here", 1),
        ("-'x' == 5", "a number is expected here", 1),
        ("-True == 5", "a number is expected here", 1),
        ("amount // 2 > 3", "// is not allowed", 0),
        ("+amount > 3", "a plus sign is not allowed", 0),
        ("amount.real > 1", "a dot behind a value is not allowed", 0),
        ("amount > 1_000", "a number is written with digits and a point", 9),
        ("amount > 1e3", "a number is written with digits and a point", 9),
        ("amount > 0x10", "a number is written with digits and a point", 9),
        ("amount > 1j", "a number is written with digits and a point", 9),
        ("amount > None", "None may only follow", 9),
        ("amount is currency", "`is` is for None only", 10),
        ("amount in {source}", "only texts and numbers can be listed here", 11),
        ('currency in ("EUR")', "a list is written", 13),
        ("amount in ()", "an empty list has nothing in it", 10),
        ('amount in {"x"}', "a number is never in this", 10),
        ("1 < amount in {5}", "`in` and `is` cannot be part of a chain", 14),
        ("(amount > 1) < (amount > 2)", "conditions have no order", 1),
        ('field[0] == "x"', "a text in quotes is expected here", 6),
        ('amount["x"] == "x"', "only field", 0),
        ('hour("Berlin") < 3', "no such time zone", 5),
        ('hour("../UTC") < 3', "no such time zone", 5),
        ("hour() < 3", 'expected hour("Europe/Berlin")', 0),
        ("number(id, 3) < 3", "expected number(value)", 0),
        ("number(value=id) < 3", "expected number(value)", 0),
        ("(lambda: 5)() > 3", "only a function can be called", 1),
        ("[x for x in source] == 5", "a loop is not allowed", 0),
        ('f"{amount}" == "x"', "an f-string is not allowed here", 0),
        ("b'x' == id", "this is not allowed here", 0),
        ("... == id", "this is not allowed here", 0),
        (r'"\N{BULLET}" == id', r"instead of \N{...}, write the character itself", 0),
        ('"\\ud800" == id', "half of a surrogate pair is not a character", 0),
        ('"""a\nb""" == id', "inside quotes, write a line break as", 0),
        (r'"\d" == id', "invalid escape sequence", 0),
        ("", "the expression is empty", 0),
        ("amount > \0", "a character that is not allowed (U+0000)", 9),
        ("amount > 1 or amount > 2) or (amount > 3", "unmatched", 24),
        (" or ".join(["amount > 1"] * 100), "301 parts; at most 200 are allowed", 0),
    ],
)
def test_what_is_not_allowed_is_named_with_its_place(expression: str, problem: str, column: int) -> None:
    with pytest.raises(InvalidExpression) as error:
        saw(expression)
    first, shown, caret = str(error.value).split("\n")
    assert problem in first
    assert caret.index("^") == 2 + column, str(error.value)
    assert shown.startswith("  ")


@pytest.mark.parametrize(
    "expression",
    ["x" * 5000, "\x1b\ud800" * 3000, "-" * 3000 + "1 > amount", "(" * 3000, "not " * 1000 + "True", '\\"' * 2048],
)
def test_what_is_too_long_or_too_deep_is_refused_and_shown_in_part(expression: str) -> None:
    with pytest.raises(InvalidExpression) as error:
        saw(expression)
    first, shown, _ = str(error.value).split("\n")
    assert re.match(
        "longer than|unexpected character|nested too deeply|too many nested parentheses|[0-9]+ parts; at most", first
    )
    assert len(shown) <= 102
    assert shown.isprintable()


def test_an_amount_is_compared_as_exactly_as_it_is_written() -> None:
    value = PAID.replace(b"812.10", b"900.00000000000000000000000000000000000000000000000000000000001")
    assert saw("amount > 900", value) is True
    assert saw("amount > 900.000000000000000000000000000000000000000000000000000000000011", value) is False


def test_a_time_that_a_zone_cannot_hold_is_undecided() -> None:
    value = PAID.replace(b"2026-11-27T23:30:00Z", b"0001-01-01T00:00:00Z")
    assert saw('hour("America/New_York") < 24', value) is None
    assert saw('hour("Asia/Tokyo") == 9', value) is True


def test_without_a_readable_time_of_its_own_the_records_counts() -> None:
    value = PAID.replace(b"2026-11-27T23:30:00Z", b"yesterday")
    assert saw('hour("UTC") == 3', value, record_ms=3 * 3_600_000) is True
    assert saw('hour("UTC") == 3', value, record_ms=10**18) is None
    assert saw('hour("UTC") == 3', value, record_ms=-1) is None


def test_rules_of_a_set_share_nothing_but_what_they_look_at() -> None:
    whens = ("5 < amount + 1 < 9000", 'field["x"] > 1', "amount < 5")
    rules = {when: Held(Rule(when)) for when in whens}
    assert RuleSet(rules).outcomes(TransactionReader(DEFAULT_MAPPING).read(PAID), 0) == [True, None, False]


def looked_at(expression: str, value: bytes = PAID) -> str:
    rule = RuleSet({"other": Held(Rule("amount < 0")), "rule": Held(Rule(expression))}).asked[1]
    paid = TransactionReader(DEFAULT_MAPPING).read(value)
    said = rule.values(paid, 0)
    assert rule.values(paid, 0) == said
    return in_words(said)


def test_what_a_rule_has_looked_at_is_shown_each_of_it_once() -> None:
    night = 'amount >= 500 and field["country"] in {"NG"} and hour("Europe/Berlin") < 6 and amount < 900'
    assert looked_at(night) == 'amount = 812.10, field["country"] = "NG", hour("Europe/Berlin") = 0'
    others = 'field["nothing"] is None or field["yes"] or field["list"] == field["object"] or lower(target) == ""'
    expected = 'field["nothing"] = None, field["yes"] = True, field["list"] = [...], field["object"] = {...}'
    assert looked_at(others) == f'{expected}, target = "shop"'


def test_what_cannot_be_printed_is_no_part_of_what_is_shown() -> None:
    value = PAID.replace(b'"NG"', '"a\u2028b\u0085c\u009b31m"'.encode())
    assert looked_at('field["country"] == field["\u2028"]', value).isprintable()


def test_a_long_value_is_shown_in_part_and_in_one_line() -> None:
    value = PAID.replace(b'"NG"', b'"%s"' % (b"\\n" + b"x" * 200)).replace(b"812.10", b"9" * 1000)
    text = looked_at('field["country"] == "" or amount > 5', value)
    assert text == f'field["country"] = "\\n{"x" * 59}..., amount = {"9" * 60}...'


def test_what_is_nested_as_deep_as_the_stack_goes_is_none() -> None:
    rules = RuleSet({"rule": Held(Rule('field["country"] is None'))})
    asked = 0
    for depth in range(100, 1100):
        value = PAID.replace(b'"NG"', b"[" * depth + b"]" * depth)
        with suppress(InvalidTransaction):
            rules.outcomes(TransactionReader(DEFAULT_MAPPING).read(value), 0)
            asked += 1
    assert asked > 0


WORDS = """amount target field["n"] field "x" 5 0.1 1e5 None True is not and or in if else for lambda await yield
( ) [ ] { } , . : = := < == != + - * / % ** @ ~ | # \\ " ' f" b' \"\"\" hour( number( __import__ ...
\u65e5 \U0001f4b6 \u0301 \ufeff"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\t", "\r", "\f", "\u2028", "\xa0"])


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.lists(PIECES, max_size=12).map(" ".join), st.text()))
def test_whatever_is_written_is_a_rule_or_an_error_of_three_lines(text: str) -> None:
    try:
        answer = saw(text)
        assert answer is None or type(answer) is bool
    except InvalidExpression as error:
        said = str(error)
        said.encode()
        assert said.count("\n") == 2
