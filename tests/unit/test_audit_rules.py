"""Rules as data, as the audit asks them: points, shares and modes. It agrees with the detector on any."""

from decimal import Decimal

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from audit.history import RulesHistory
from audit.law import CodeRule, Destination, Law, Verdict, judge
from audit.lists import NO_LISTS, ListsHistory
from audit.reading import read
from audit.rules import DataRule, Version
from decision.list_change import ListChangeSet, encode
from decision.lists import ListBook
from decision.rule import Rule
from decision.rulebook import RuleBook, with_defaults
from decision.ruleset import RuleSet
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import Transaction
from tests.support.change_sets import Changes, changes
from tests.support.expressions import CONDITIONS, LIST_CHANGES, NUMBERS, payloads

NOW_MS = 1_790_000_000_000


def record(value: bytes, timestamp: int = NOW_MS) -> Record:
    return Record("transactions", 0, 7, timestamp, b"a", value, ())


def paid(amount: str, source: str = "a") -> Record:
    return record(f'{{"id":"1","source":"{source}","target":"b","amount":{amount}}}'.encode())


def transaction(amount: str, source: str = "a") -> Transaction:
    found = read(paid(amount, source), DEFAULT_MAPPING)
    assert found is not None
    return found


def points(rule: DataRule, amount: str = "500", source: str = "a") -> Decimal | None:
    return rule.points(transaction(amount, source), NOW_MS)


def version_of(made: Changes) -> Version | None:
    """Return what the audit knows of these rules, None where one is not allowed."""
    history, book = RulesHistory(), RuleBook()
    problem = history.take(made.record(0))
    book.take(0, made.value(0))
    return None if problem else history.at(book.reading)


def verdict(amount: str, *rules: tuple[str, Rule], code: tuple[CodeRule, ...] = ()) -> Verdict:
    version = version_of(changes(*rules))
    assert version is not None
    return judge(paid(amount), Law(Decimal(900), code, rules=version))


def belongs(amount: str, *rules: tuple[str, Rule], code: tuple[CodeRule, ...] = ()) -> Destination:
    return verdict(amount, *rules, code=code).belongs


def fails(_paid: Transaction) -> None:
    raise LookupError


@pytest.mark.parametrize(
    ("when", "expected"),
    [("amount > 499", 100), ("amount > 500", None), ('field["x"] > 5', None), ("field['x']", None)],
)
def test_a_rule_hits_where_its_condition_is_true(when: str, expected: int | None) -> None:
    assert points(DataRule("r", when, "100", "100")) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("40", "40"),
        ("amount / 10", "50"),
        ("-5", "0"),
        ("amount * 3", "1000"),
        ("1000.5", "1000"),
        ("999.99", "999.99"),
        ('field["x"]', "0"),
        ("source", "0"),
        ("amount > 5", "0"),
        ('hour("UTC")', "14"),
    ],
)
def test_a_hit_counts_0_to_1000_points_and_0_where_that_is_no_number(written: str, expected: str) -> None:
    assert points(DataRule("r", "True", written, "100")) == Decimal(expected)


def test_a_share_is_of_the_accounts_and_always_of_the_same() -> None:
    rule = DataRule("night_abroad", "True", "100", "25")
    held = [account for account in map(str, range(2_000)) if points(rule, source=account) is not None]
    assert 400 < len(held) < 600
    assert held[:8] == ["0", "2", "3", "5", "7", "8", "9", "10"]  # as `printf 'night_abroad\\0%s' 0 | b2sum -l 64` says
    assert points(DataRule("r", "True", "100", "0")) is None


def test_the_points_of_live_rules_reach_100_together() -> None:
    half, rest = Rule("amount > 10", points="60"), Rule("amount > 20", points="40")
    assert belongs("15", ("half", half), ("rest", rest)) == Destination.LEGIT
    assert belongs("25", ("half", half), ("rest", rest)) == Destination.FRAUD
    assert belongs("25", ("half", half), ("rest", Rule("True", points="39.999"))) == Destination.LEGIT


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_what_is_not_live_does_not_count(mode: str) -> None:
    assert belongs("25", ("r", Rule("True", mode=mode))) == Destination.LEGIT  # type: ignore[arg-type]
    assert belongs("950", ("r", Rule("True", mode=mode))) == Destination.FRAUD  # type: ignore[arg-type]


def test_the_threshold_holds_until_the_topic_has_a_rule_of_its_name() -> None:
    assert belongs("950", ("other", Rule("False"))) == Destination.FRAUD
    name = "amount_over_threshold"
    assert belongs("950", (name, Rule("amount > 2000"))) == Destination.LEGIT
    assert belongs("950", (name, Rule("True", mode="off"))) == Destination.LEGIT
    candidate = version_of(changes((name, None), candidates={name: Rule("amount > 2000")}))
    assert candidate is not None
    assert judge(paid("950"), Law(Decimal(900), rules=candidate)).belongs == Destination.FRAUD


def test_a_rule_of_code_counts_100_and_one_that_raises_leaves_what_others_say() -> None:
    failing, seeing = CodeRule("fails", fails), CodeRule("sees", lambda _: True)
    rule = "r", Rule("amount > 20")
    assert belongs("15", rule, code=(seeing,)) == Destination.FRAUD
    assert belongs("25", rule, code=(failing,)) == Destination.FRAUD
    assert belongs("15", rule, code=(failing,)) == Destination.DEAD_LETTER


def test_one_hit_counts_with_all_its_digits_and_several_with_50() -> None:
    nearly = 'field["x"]'
    record_of = f'{{"id":"1","source":"a","target":"b","amount":5,"x":99.{"9" * 60}}}'.encode()
    alone, beside = (
        version_of(changes(*rules))
        for rules in (
            [("r", Rule("True", points=nearly))],
            [("r", Rule("True", points=nearly)), ("s", Rule("True", points="0"))],
        )
    )
    assert alone is not None
    assert beside is not None
    assert judge(record(record_of), Law(Decimal(900), rules=alone)).belongs == Destination.LEGIT
    assert judge(record(record_of), Law(Decimal(900), rules=beside)).belongs == Destination.FRAUD


def test_the_verdict_names_what_hit_and_what_did_not_count() -> None:
    rules = ("a", Rule("amount > 20", points="1")), ("b", Rule("amount > 30", mode="shadow"))
    found = verdict("950", *rules, code=(CodeRule("sees", lambda _: True),))
    assert found.reasons == ["amount_over_threshold", "a", "sees"]
    assert found.score == 201
    assert found.shadow == ["b"]
    assert verdict("25", *rules) == Verdict(Destination.LEGIT, ["a"], Decimal(1), [])


NAMES = st.sampled_from(["amount_over_threshold", "a", "night_abroad", "x.y-z"])
WHEN = st.one_of(st.sampled_from(["True", "amount >= 0", "amount > 5"]), CONDITIONS)
POINTS = st.one_of(st.sampled_from(["100", "50", "33.4", "1", "-100", "5000"]), NUMBERS)
SHARES = st.sampled_from(["100", "99.999999999", "50", "33.3", "0.000000001", "0"])
RULES = st.builds(Rule, WHEN, st.sampled_from(["live", "live", "shadow", "off"]), POINTS, SHARES)
TABLES = st.dictionaries(NAMES, RULES, max_size=4)


@given(TABLES, TABLES, payloads(), st.sampled_from([0, NOW_MS, -1]), LIST_CHANGES)
def test_the_audit_agrees_on_any_rules(
    rules: dict[str, Rule], candidates: dict[str, Rule], value: bytes, record_ms: int, made: ListChangeSet
) -> None:
    changed = changes(*rules.items(), candidates=candidates)
    version = version_of(changed)
    if version is None:
        reject()  # an expression that is not allowed
    history, lists = ListsHistory(), ListBook()
    history.take(Record("lists", 0, 0, 0, None, encode(made), ()))
    lists.take(0, encode(made))
    state = with_defaults(changed.change_set(0).after, {"amount_over_threshold": Rule("amount > 900")})
    found = RuleSet(state).judge(TransactionReader(DEFAULT_MAPPING).read(value), record_ms, lists)
    audited = judge(
        record(value, record_ms), Law(Decimal(900), rules=version, lists=history.at(lists.reading) or NO_LISTS)
    )
    assert audited.belongs == (Destination.FRAUD if found.is_fraud else Destination.LEGIT)
    assert [*audited.reasons] == [hit.rule for hit in found.hits]
    assert [*audited.shadow] == [hit.rule for hit in found.shadow]
    assert audited.score == found.score
