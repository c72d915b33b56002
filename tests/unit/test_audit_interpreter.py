"""The audit's own reading of docs/rules.md: every value here was worked out from that page."""

import json
from decimal import Decimal

import pytest

from audit.interpreter import value_of
from audit.lists import ListsAt, ListsHistory
from audit.reading import read
from decision.history import FORMAT
from decision.list_change import ListChange, ListChangeSet, encode
from decision.lists import ListBook
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING, FieldMapping
from payments.transaction import Transaction
from runtime.settings import read_settings

SUNDAY_2230_UTC = 1_700_433_000_000  # 2023-11-19T22:30:00Z
MONDAY = "2024-07-01T10:00:00Z"
LONG = "x" * 256
FIELDS = """
    "country": "NG", "empty": "", "null": null, "yes": true, "no": false, "one": 1, "zero": 0, "minus": -7.5,
    "list": [1, "x"], "same_list": [1, "x"], "object": {"x": 1}, "device": {"ip": "::1", "deep": {"er": 5}},
    "digits_50": 12345678901234567890123456789012345678901234567890,
    "digits_51": 123456789012345678901234567890123456789012345678901,
    "5,000 digits": %s, "exponent": 1e9999999999999999999, "far": 1e400, "Zürich": "ü€😀"
""" % ("9" * 5000)


def paid(amount: str = "900", more: str = FIELDS, mapping: FieldMapping = DEFAULT_MAPPING) -> Transaction:
    value = f'{{"id":"i-1","source":"alice","target":"bob","amount":{amount},{more}}}'
    transaction = read(Record("transactions", 0, 7, 0, b"a", value.encode(), []), mapping)
    assert transaction is not None
    return transaction


def with_text(text: str) -> Transaction:
    return paid(more=f'"text": {json.dumps(text)}')


def ask(expression: str, transaction: Transaction | None = None) -> object:
    return value_of(expression, transaction or paid(), SUNDAY_2230_UTC)


def at(time: str, unit: str = "auto") -> Transaction:
    return paid(more=f'"timestamp": {time}', mapping=read_settings(FieldMapping, {"TIMESTAMP_UNIT": unit}))


def is_same(value: object, expected: object) -> bool:
    """Tell 1 from True, which are equal in Python; whole numbers and decimals may be the same."""
    return isinstance(value, bool) == isinstance(expected, bool) and value == expected


@pytest.mark.parametrize(
    ("expression", "hits"),
    [
        ("amount > 900", (False, True, True)),
        ('amount >= 500 and field["country"] in {"NG", "RU"} and hour("Europe/Berlin") < 6', (None, True, None)),
        ('currency != "USD" and amount * 1.08 > 900', (None, True, False)),
        (
            'amount > 300 if field["risk"]["score"] is None else number(field["risk"]["score"]) > 0.8',
            (True, True, False),
        ),
    ],
)
def test_the_examples_at_the_beginning_of_the_page(expression: str, hits: tuple[object, ...]) -> None:
    transactions = [
        paid("850", '"timestamp": "2024-07-01T22:30:00Z"'),
        paid("900.01", '"timestamp": "2024-07-01T22:30:00Z", "currency": "EUR", "country": "NG"'),
        paid("950", '"timestamp": "2024-07-01T03:59:59Z", "currency": "USD", "risk": {"score": "0.80"}'),
    ]
    assert tuple(ask(expression, transaction) for transaction in transactions) == hits


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("id", "i-1"),
        ("source", "alice"),
        ("target", "bob"),
        ("amount", Decimal(900)),
        ("currency", None),
        ('field["country"]', "NG"),
        ('field["device"]["ip"]', "::1"),
        ('field["device"]["deep"]["er"]', 5),
        ('field["Zürich"]', "ü€😀"),
        ('field["5,000 digits"]', None),
        ('field["exponent"]', None),
        ('field["far"]', Decimal("1e400")),
        ('field["nowhere"]', None),
        ('field["nowhere"]["ip"]', None),
        ('field["null"]', None),
        ('field["country"]["ip"]', None),
        ('field["list"]["ip"]', None),
        ('field["list"]', []),
        ('field["object"]', {}),
        ('field["yes"]', True),
        ('field["no"]', False),
        ('field["one"]', 1),
        ('field["minus"]', Decimal("-7.5")),
        ('field["empty"]', ""),
        ('field["source"]', "alice"),
    ],
)
def test_a_rule_sees_the_transaction_and_the_fields_of_its_record(expression: str, value: object) -> None:
    assert is_same(ask(expression), value)


def test_the_currency_is_text_where_there_is_one() -> None:
    assert ask("currency", paid(more='"currency": "EUR"')) == "EUR"
    assert ask("currency", paid(more='"currency": null')) is None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("amount < 900", False),
        ("amount <= 900", True),
        ("amount > 899.99", True),
        ("amount >= 900.01", False),
        ('source < "bob"', True),
        ('"Z" < "a"', True),
        ('"ä" > "z"', True),
        ('"\\U0001f600" > "\\uffff"', True),
        ('"" < "a"', True),
        ('"a" < "ab"', True),
        ("currency < source", None),
        ('amount > field["nowhere"]', None),
        ('field["country"] > 5', None),
        ('field["yes"] > 0', None),
        ('field["yes"] > field["no"]', None),
        ('field["list"] < field["same_list"]', None),
        ('field["object"] < 5', None),
    ],
)
def test_order_is_between_two_numbers_or_two_texts(expression: str, value: object) -> None:
    assert ask(expression) is value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("amount == 900.00", True),
        ("amount == 901", False),
        ('source == "alice"', True),
        ('source == "Alice"', False),
        ('field["yes"] == True', True),
        ('field["yes"] == False', False),
        ('field["no"] == field["no"]', True),
        ('field["yes"] == field["one"]', False),
        ('field["one"] == True', False),
        ('field["zero"] == field["no"]', False),
        ('field["country"] == field["one"]', False),
        ('field["country"] == field["list"]', False),
        ('field["object"] == field["yes"]', False),
        ('currency == "EUR"', None),
        ('"EUR" == currency', None),
        ("currency == currency", None),
        ('field["list"] == field["same_list"]', None),
        ('field["list"] == field["object"]', None),
        ('field["object"] == field["object"]', None),
    ],
)
def test_equal_is_the_same_of_the_same_type(expression: str, value: bool | None) -> None:  # noqa: FBT001
    assert ask(expression) is value
    assert ask(expression.replace("==", "!=")) is (None if value is None else not value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('source in {"alice", "bob"}', True),
        ('source in ["alice", "bob"]', True),
        ('source in ("alice", "bob")', True),
        ('source in {"x", 5}', False),
        ("amount in {5, 900.0}", True),
        ("amount in {5, -900}", False),
        ('field["minus"] in {-7.50}', True),
        ('currency in {"EUR"}', None),
        ('field["yes"] in {1, "true"}', False),
        ('field["list"] in {1, "x"}', False),
        ('"lic" in source', True),
        ('"" in source', True),
        ('source in "alice and bob"', True),
        ('source in ("alice and bob")', True),
        ('"Lic" in source', False),
        ("source in currency", None),
        ("currency in source", None),
        ('field["one"] in source', None),
        ('field["yes"] in source', None),
        ('"x" in field["list"]', None),
        ('"x" in field["object"]', None),
    ],
)
def test_in_looks_into_a_list_or_a_text(expression: str, value: bool | None) -> None:  # noqa: FBT001
    assert ask(expression) is value
    assert ask(expression.replace(" in ", " not in ", 1)) is (None if value is None else not value)


def test_texts_of_more_than_256_characters_are_none() -> None:
    assert ask('"x" in field["text"]', with_text(LONG)) is True
    assert ask('"😀" in field["text"]', with_text("😀" * 256)) is True
    assert ask('field["text"]', with_text("😀" * 257)) is None
    for name in ("id", "source", "target", "currency"):
        for written, seen in ((LONG, LONG), (LONG + "x", None)):
            assert ask(name, paid(more=f'"{name}": "{written}"')) == seen


def test_numbers_that_are_written_in_more_than_256_characters_are_none() -> None:
    for written in ("9" * 256, f"0.{'0' * 253}1", f"1e{'0' * 253}1"):
        assert ask('field["n"] > 0', paid(more=f'"n": {written}')) is True
        assert ask('field["n"]', paid(more=f'"n": {written}5')) is None
    assert ask("amount > 1", paid("9" * 257)) is True


@pytest.mark.parametrize(
    ("value", "is_none"),
    [
        ("currency", True),
        ("source", False),
        ('field["null"]', True),
        ('field["empty"]', False),
        ('field["no"]', False),
        ('field["object"]', False),
        ("(currency > source)", True),
        ("(not currency)", True),
        ("(amount > 5)", False),
        ("(amount / 0)", True),
    ],
)
def test_is_none_is_always_decided(value: str, is_none: bool) -> None:  # noqa: FBT001
    assert ask(f"{value} is None") is is_none
    assert ask(f"{value} is not None") is not is_none


def listed(*members: object, expires: str | None = None) -> ListsAt:
    """Return lists of which one, blocked, has these members."""
    history, book = ListsHistory(), ListBook()
    change = ListChange("blocked", 0, add=members, expires=expires)
    value = encode(ListChangeSet(FORMAT, "mark", "anna", [change]))
    assert not history.take(Record("lists", 0, 0, 0, None, value, ()))
    book.take(0, value)
    found = history.at(book.reading)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("value", "is_in"),
    [
        ("source", True),
        ('"bob"', False),
        ("900.0", True),
        ("1", True),
        ('"1"', False),
        ('field["yes"]', False),
        ('field["no"]', True),
        ('field["zero"]', False),
        ('field["list"]', False),
        ('field["object"]', False),
        ('field["nowhere"]', None),
        ("currency", None),
        ("(amount > 5)", False),
        ("(currency > source)", None),
        ('lower("ALICE")', True),
    ],
)
def test_a_value_is_in_a_list_as_a_member_of_its_type(value: str, is_in: bool | None) -> None:  # noqa: FBT001
    lists = listed("alice", 900, Decimal("1.0"), *[False])
    assert value_of(f'{value} in list["blocked"]', paid(), SUNDAY_2230_UTC, lists) is is_in
    opposite = None if is_in is None else not is_in
    assert value_of(f'{value} not in list["blocked"]', paid(), SUNDAY_2230_UTC, lists) is opposite


def test_a_list_that_does_not_exist_is_empty() -> None:
    assert ask('source in list["blocked"]') is False
    assert ask('currency in list["blocked"]') is None


@pytest.mark.parametrize(
    ("event", "is_in"),
    [
        ('"2023-11-19T22:30:00.124999Z"', True),
        ('"2023-11-19T22:30:00.125Z"', False),
        ('"2023-11-19T23:30:00.125+01:00"', False),
        ('"2023-11-19T23:30:00.124+01:00"', True),
        ('"soon"', True),
    ],
)
def test_who_has_expired_is_not_in_it_any_more_by_the_events_time(event: str, is_in: bool) -> None:  # noqa: FBT001
    lists = listed("alice", expires="2023-11-19T22:30:00.125Z")
    asked = 'source in list["blocked"]'
    assert value_of(asked, at(event), SUNDAY_2230_UTC + 124, lists) is is_in
    assert value_of(asked, at('"soon"'), SUNDAY_2230_UTC + 125, lists) is False
    assert value_of(asked, at('"soon"'), -1, lists) is None
    assert value_of(asked, at('"soon"'), 10**18, lists) is None
    assert value_of('target in list["blocked"]', at('"soon"'), -1, lists) is False


TRUE, FALSE, UNDECIDED, TEXT = 'field["yes"]', "amount < 0", "amount < currency", "source"


@pytest.mark.parametrize(
    ("left", "right", "both", "one"),
    [
        (TRUE, TRUE, True, True),
        (TRUE, FALSE, False, True),
        (FALSE, FALSE, False, False),
        (TRUE, UNDECIDED, None, True),
        (FALSE, UNDECIDED, False, None),
        (UNDECIDED, UNDECIDED, None, None),
        (TRUE, TEXT, None, True),
        (FALSE, TEXT, False, None),
        (TEXT, UNDECIDED, None, None),
        (TEXT, 'field["zero"]', None, None),
        (TRUE, 'field["one"]', None, True),
    ],
)
def test_and_or_know_three_values(left: str, right: str, both: object, one: object) -> None:
    assert ask(f"{left} and {right}") is ask(f"{right} and {left}") is both
    assert ask(f"{left} or {right}") is ask(f"{right} or {left}") is one
    assert ask(f"{left} and {right} and True") is both
    assert ask(f"{left} or False or {right}") is one


@pytest.mark.parametrize(
    ("value", "opposite"),
    [(TRUE, False), (FALSE, True), (UNDECIDED, None), (TEXT, None), ('field["zero"]', None), ('field["list"]', None)],
)
def test_not_knows_three_values(value: str, opposite: object) -> None:
    assert ask(f"not {value}") is opposite


@pytest.mark.parametrize(
    ("condition", "value"),
    [(TRUE, "alice"), (FALSE, Decimal(900)), (UNDECIDED, None), (TEXT, None), ('field["one"]', None)],
)
def test_what_is_before_else_counts_where_its_condition_is_decided(condition: str, value: object) -> None:
    assert ask(f"source if {condition} else amount") == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("100 < amount <= 900", True),
        ("100 < amount < 900", False),
        ("900 < amount < currency", False),
        ("currency < amount < 900", False),
        ("100 < amount < currency", None),
        ("amount == 900 != 5", True),
        ('"a" < source < target < "c"', True),
    ],
)
def test_a_chain_is_its_parts_joined_by_and(expression: str, value: object) -> None:
    assert ask(expression) is value


@pytest.mark.parametrize(
    ("amount", "expression", "value"),
    [
        ("900.00", "amount > 900", False),
        ("900.00", "amount == 900", True),
        ("900.00000000000000001", "amount > 900", True),
        ("900." + "0" * 60 + "1", "amount > 900", True),
        ("900", "amount > 899." + "9" * 60, True),
        ("0.1", "amount == 0.1", True),
        ("0.1", "amount == 0.1000000000000000055511151231257827021181583404541015625", False),
        ("1e400", "amount > " + "9" * 400, True),
        ("1e999999999999999999", "amount > 5", True),
        ("0.00", "amount == 0", True),
        ("1", 'field["digits_51"] > field["digits_50"]', True),
        ("1", 'field["digits_51"] == 123456789012345678901234567890123456789012345678901', True),
        ("1", 'field["digits_51"] == 123456789012345678901234567890123456789012345678902', False),
    ],
)
def test_comparison_is_exact(amount: str, expression: str, value: object) -> None:
    assert ask(expression, paid(amount)) is value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("amount + 0.1", "900.1"),
        ("0.1 + 0.2", "0.3"),
        ("amount - 1000", "-100"),
        ("amount * 1.08", "972"),
        ("amount / 8", "112.5"),
        ("1 + 2 * 3", "7"),
        ("-amount", "-900"),
        ("-(-amount)", "900"),
        ("1 / 3", "0." + "3" * 50),
        ("2 / 3", "0." + "6" * 49 + "7"),
        ("1" + "0" * 49 + " + 0.5", "1" + "0" * 49),  # a tie goes to the even digit
        ("1" + "0" * 48 + "1 + 0.5", "1" + "0" * 48 + "2"),
        ("7 % 3", "1"),
        ("-7 % 3", "-1"),
        ("7 % -3", "1"),
        ("-7 % -3", "-1"),
        ("7.5 % 2", "1.5"),
        ("0 % 3", "0"),
        ('field["digits_50"] - field["digits_50"]', "0"),
        ('field["digits_50"] + 0', "12345678901234567890123456789012345678901234567890"),
        ('field["one"] + 1', "2"),
        ("0.00000 * amount", "0"),
        ("0." + "0" * 60 + " + amount", "900"),
        ("0." + "0" * 49 + "1 * 1", "1e-50"),
        ('number("1e50") * number("9e50")', "9e100"),
        ('number("9.99e50") + 0', "9.99e50"),
        ('number("1e49") % 3', "1"),  # a quotient of 49 digits
    ],
)
def test_calculation_is_decimal_with_50_digits(expression: str, value: str) -> None:
    assert ask(expression) == Decimal(value)


@pytest.mark.parametrize(
    "expression",
    [
        "amount + currency",
        'amount * field["nowhere"]',
        'field["country"] + field["country"]',
        'field["yes"] + 1',
        'field["list"] * 2',
        "-currency",
        '-field["yes"]',
        'field["digits_51"] + 0',
        '-field["digits_51"]',
        "0." + "1" * 51 + " + 0",
        "1." + "0" * 50 + " + 0",
        "0." + "0" * 50 + "1 * 1",
        'number("1e51") + 0',
        'number("-1e51") - 1',
        'field["far"] - 1',
        'number("1e50") * number("9e50") * 0',
        "amount / 0",
        "amount / 0.00",
        "0 / 0",
        "amount % 0",
        "0 % 0",
        'number("1e50") % 0.7',  # a quotient of 51 digits
        'number("1e50") % number("1e-50")',
        '(amount / 0) + 1 if True else "x"',
    ],
)
def test_what_cannot_be_calculated_is_none(expression: str) -> None:
    assert ask(expression) is None


def test_what_cannot_be_calculated_leaves_a_condition_undecided() -> None:
    assert ask("amount / 0 > 5") is None
    assert ask("not amount / 0 > 5") is None
    assert ask("amount / 0 > 5 or amount == 900") is True


@pytest.mark.parametrize(
    ("time", "berlin", "new_york", "kolkata"),
    [
        (f'"{MONDAY}"', (12, 1), (6, 1), (15, 1)),
        ('"2024-07-01 10:00:00+00:00"', (12, 1), (6, 1), (15, 1)),
        ('"2024-07-01T10:00:00.123456789123Z"', (12, 1), (6, 1), (15, 1)),
        ('"2024-07-01T15:30:00+05:30"', (12, 1), (6, 1), (15, 1)),
        ('"2024-07-01T10:00:00"', (12, 1), (6, 1), (15, 1)),
        ('"20240701T10"', (12, 1), (6, 1), (15, 1)),
        ('"2024-W27-1T10:00"', (12, 1), (6, 1), (15, 1)),
        ('"2024-07-01"', (2, 1), (20, 7), (5, 1)),
        ('"2024-01-07T23:30:00Z"', (0, 1), (18, 7), (5, 1)),
        ('"2024-03-31T00:59:59Z"', (1, 7), (20, 6), (6, 7)),
        ('"2024-03-31T01:00:00Z"', (3, 7), (21, 6), (6, 7)),
        ("1719828000", (12, 1), (6, 1), (15, 1)),
        ("1719828000000", (12, 1), (6, 1), (15, 1)),
    ],
)
def test_the_time_of_the_event_is_its_own(
    time: str, berlin: tuple[int, int], new_york: tuple[int, int], kolkata: tuple[int, int]
) -> None:
    expected = {"Europe/Berlin": berlin, "America/New_York": new_york, "Asia/Kolkata": kolkata}
    for zone, (hour, weekday) in expected.items():
        assert ask(f'hour("{zone}")', at(time)) == hour
        assert ask(f'weekday("{zone}")', at(time)) == weekday


def test_a_time_that_is_a_number_has_the_unit_that_is_set() -> None:
    assert ask('hour("UTC")', at("36000", "s")) == 10
    assert ask('hour("UTC")', at('"36000000"', "ms")) == 10
    assert ask('weekday("UTC")', at("36000", "ns")) == 4  # 1 January 1970


@pytest.mark.parametrize(
    "time",
    [
        '""',
        "null",
        '"soon"',
        '"2024-07-01T25:00:00Z"',
        '"2024-02-30T10:00:00Z"',
        '"2024-07-01T10:00:61Z"',
        '"1719828000"',
    ],
)
def test_without_a_time_of_its_own_the_event_has_the_records(time: str) -> None:
    assert ask('hour("UTC")', at(time)) == 22
    assert ask('weekday("UTC")', at(time)) == 7
    assert ask('hour("Europe/Berlin")', at(time)) == 23
    assert ask('weekday("Asia/Kolkata")', at(time)) == 1


def test_a_time_that_a_zone_cannot_hold_is_none() -> None:
    assert ask('hour("UTC")', at('"0001-01-01T00:30:00+01:00"')) is None


def test_a_record_may_have_no_time_that_can_be_told() -> None:
    for no_time in (-1, 2**63 - 1, -(2**63), 253_402_300_800_000):
        assert value_of('hour("UTC")', paid(), no_time) is None
        assert value_of('weekday("UTC") < 6', paid(), no_time) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("900", "900"),
        ("-0.80", "-0.8"),
        ("007", "7"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("1E+2", "100"),
        ("-0", "0"),
        ("1e999999999999999999", "1e999999999999999999"),
        ("9" * 256, "9" * 256),
        ("9" * 257, None),
        ("", None),
        (" 1", None),
        ("1\n", None),
        ("+1", None),
        (".5", None),
        ("5.", None),
        ("1_000", None),
        ("1,000", None),
        ("0x1F", None),
        ("NaN", None),
        ("Infinity", None),
        ("٣", None),
        ("1e9999999999999999999", None),
        ("ten", None),
    ],
)
def test_number_reads_text_as_json_writes_numbers(text: str, value: str | None) -> None:
    assert is_same(ask('number(field["text"])', with_text(text)), None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("number(amount)", Decimal(900)),
        ('number(field["far"])', Decimal("1e400")),
        ("number(currency)", None),
        ('number(field["yes"])', None),
        ('number(field["list"])', None),
        ('lower("ÄBC Straße")', "äbc straße"),
        ('lower("İ")', "i\u0307"),
        ("lower(currency)", None),
        ('lower(field["one"])', None),
        ("length(source)", 5),
        ('length("")', 0),
        ('length(field["Zürich"])', 3),
        ("length(currency)", None),
        ('length(field["list"])', None),
        ('length(field["one"])', None),
        ('starts_with(source, "al")', True),
        ('starts_with(source, "Al")', False),
        ('starts_with(source, "")', True),
        ('starts_with("al", source)', False),
        ("starts_with(source, currency)", None),
        ('starts_with(field["one"], "1")', None),
        ('ends_with(source, "ice")', True),
        ('ends_with(source, "al")', False),
        ('ends_with(field["list"], "x")', None),
        ("absolute(-5.50)", Decimal("5.5")),
        ("absolute(amount)", Decimal(900)),
        ('absolute(field["yes"])', None),
        ('absolute(field["digits_51"])', None),
        ('absolute(field["far"])', None),
        ("smallest(amount, 5, 7)", 5),
        ("largest(amount, 899.99)", Decimal(900)),
        ('largest(field["far"], amount)', Decimal("1e400")),
        ('largest(field["digits_51"], field["digits_50"])', 123456789012345678901234567890123456789012345678901),
        ('smallest(amount, field["nowhere"])', None),
        ("smallest(amount, source)", None),
        ('smallest(0, field["yes"])', None),
        ("first_known(currency, source, target)", "alice"),
        ('first_known(field["null"], field["no"], True)', False),
        ('first_known(currency, field["empty"])', ""),
        ('first_known(currency, field["nowhere"])', None),
        ("first_known(amount / 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", 1),
        ("first_known(amount > currency, False)", False),
    ],
)
def test_functions(expression: str, value: object) -> None:
    assert is_same(ask(expression), value)


def test_lower_returns_at_most_256_characters() -> None:
    assert ask('length(lower(field["text"]))', with_text(LONG)) == 256
    assert ask('length(lower(field["text"]))', with_text("İ" * 128)) == 256
    assert ask('lower(field["text"])', with_text("İ" * 129)) is None


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ("7.9", "7"),
        ("-7.5", "-8"),
        ("-7", "-7"),
        ("0", "0"),
        ("amount, 250", "750"),
        ("amount, 900", "900"),
        ("-1, 250", "-250"),
        ("1.27, 0.1", "1.2"),
        ("0.3, 0.1", "0.3"),
        ("5, 7", "0"),
        ('field["digits_50"], 1', "12345678901234567890123456789012345678901234567890"),
        ('number("9e49")', "9e49"),
        ("amount, 0", None),
        ("amount, -1", None),
        ("amount, currency", None),
        ("currency", None),
        ('field["yes"]', None),
        ('amount, field["yes"]', None),
        ('field["digits_51"]', None),
        ('field["far"]', None),
        ('number("1e50"), 0.7', None),  # 51 digits of whole steps
    ],
)
def test_round_down_is_the_largest_multiple_that_is_not_above(arguments: str, value: str | None) -> None:
    assert is_same(ask(f"round_down({arguments})"), None if value is None else Decimal(value))


@pytest.mark.parametrize(
    "expression",
    [
        "  amount > 900.1",
        "amount\n>\n900.1",
        "\tamount\r\n  > 900.1\n",
        "\n\n  amount\r>\t900.1  ",
        "(amount\n   > 900.1)",
    ],
)
def test_tabs_and_line_breaks_are_white_space(expression: str) -> None:
    assert ask(expression, paid("900.10")) is False
    assert ask(expression, paid("900.1" + "0" * 50 + "1")) is True


def test_numbers_are_found_behind_characters_of_several_bytes() -> None:
    transaction = paid("0.1" + "0" * 40 + "1")
    assert ask('source != "ü€😀" and amount > 0.1', transaction) is True
    assert ask('source == "ü€😀" or\n "é" > "😀" or amount > 0.1' + "0" * 40 + "1", transaction) is False


@pytest.mark.parametrize("start", ["not ", "-", "lower(", "first_known(currency, ", "True and (", "1 if True else ("])
def test_an_expression_may_be_nested_as_deep_as_its_parts_allow(start: str) -> None:
    ask(start * 190 + "amount" + ")" * (190 * start.count("(")))


@pytest.mark.parametrize(
    "expression",
    [
        "nothing > 5",
        "timestamp",
        "field",
        "None",
        "...",
        'b"x"',
        "1e3",
        "1_000",
        "0x1F",
        "5j",
        'f"{amount}"',
        "+amount",
        "~amount",
        "amount ** 2",
        "amount // 2",
        "amount, 5",
        "[amount]",
        "{}",
        "source in {}",
        "source.upper()",
        "source[0]",
        'field["list"][0]',
        "open(source)",
        "smallest(a=5, b=6)",
        "hour(source)",
        "1 < amount in {5}",
        "amount is True",
        "lambda: 5",
        "[x for x in source]",
    ],
)
def test_what_is_not_allowed_raises(expression: str) -> None:
    with pytest.raises(ValueError, match="not allowed in a rule"):
        ask(expression)
