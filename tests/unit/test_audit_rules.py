"""Rules as data, as the audit asks them: points, shares and modes. It agrees with the detector on any."""

from decimal import Decimal

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from audit.history import History
from audit.law import Allowed, CodeRule, Law, judge
from audit.reading import read
from audit.reasons import count_reasons, count_shadow_reasons
from audit.rules import DataRule
from decision.rule import Rule
from decision.rulebook import with_defaults
from decision.ruleset import RuleSet
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import Transaction
from tests.support.change_sets import changes, history_of
from tests.support.expressions import CONDITIONS, NUMBERS, payloads

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


def law(history: History, *rules: CodeRule) -> Law:
    return Law(Decimal(900), rules, 1_000_000, refuses_times=False, in_question=history.at)


def allowed(amount: str, *rules: tuple[str, Rule], code: tuple[CodeRule, ...] = ()) -> Allowed:
    return judge(paid(amount), law(history_of(changes(*rules)), *code))[0]


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
    assert allowed("15", ("half", half), ("rest", rest)) == Allowed.LEGIT
    assert allowed("25", ("half", half), ("rest", rest)) == Allowed.FRAUD
    assert allowed("25", ("half", half), ("rest", Rule("True", points="39.999"))) == Allowed.LEGIT


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_what_is_not_live_does_not_count(mode: str) -> None:
    assert allowed("25", ("r", Rule("True", mode=mode))) == Allowed.LEGIT  # type: ignore[arg-type]
    assert allowed("950", ("r", Rule("True", mode=mode))) == Allowed.FRAUD  # type: ignore[arg-type]


def test_the_threshold_holds_until_the_topic_has_a_rule_of_its_name() -> None:
    assert allowed("950", ("other", Rule("False"))) == Allowed.FRAUD
    name = "amount_over_threshold"
    assert allowed("950", (name, Rule("amount > 2000"))) == Allowed.LEGIT
    assert allowed("950", (name, Rule("True", mode="off"))) == Allowed.LEGIT
    candidate = history_of(changes((name, None), candidates={name: Rule("amount > 2000")}))
    assert judge(paid("950"), law(candidate))[0] == Allowed.FRAUD


def test_a_rule_of_code_counts_100_and_one_that_raises_leaves_what_others_say() -> None:
    failing, seeing = CodeRule("fails", fails), CodeRule("sees", lambda _: True)
    rule = "r", Rule("amount > 20")
    assert allowed("15", rule, code=(seeing,)) == Allowed.FRAUD
    assert allowed("25", rule, code=(failing,)) == Allowed.FRAUD
    assert allowed("15", rule, code=(failing,)) == Allowed.DEAD_LETTER


def test_where_versions_differ_either_is_allowed() -> None:
    history = history_of(changes(("r", Rule("amount > 20")), at=NOW_MS))
    assert judge(paid("25"), law(history))[0] == Allowed.FRAUD | Allowed.LEGIT
    assert judge(paid("25"), law(history), by_oldest=True)[0] == Allowed.LEGIT
    assert judge(paid("15"), law(history))[0] == Allowed.LEGIT
    assert judge(paid("950"), law(history))[0] == Allowed.FRAUD
    failing = CodeRule("fails", fails)
    assert judge(paid("25"), law(history, failing))[0] == Allowed.FRAUD | Allowed.DEAD_LETTER


def test_where_one_version_only_has_the_threshold_either_is_allowed() -> None:
    history = history_of(changes(("amount_over_threshold", Rule("amount > 2000")), at=NOW_MS))
    assert judge(paid("950"), law(history))[0] == Allowed.FRAUD | Allowed.LEGIT


def test_the_reasons_are_counted_by_each_version() -> None:
    shadow = Rule("amount > 20", mode="shadow")
    history = history_of(
        changes(("a", Rule("amount > 20", points="1")), ("b", shadow), at=NOW_MS),
        changes(("c", Rule("amount > 20")), ("d", shadow), at=NOW_MS),
    )
    seeing = law(history, CodeRule("sees", lambda _: True))
    assert count_reasons(transaction("950"), NOW_MS, seeing) == {2, 3, 4}
    assert count_reasons(transaction("15"), NOW_MS, seeing) == {1}
    assert count_shadow_reasons(transaction("25"), NOW_MS, seeing) == {0, 1, 2}


NAMES = st.sampled_from(["amount_over_threshold", "a", "night_abroad", "x.y-z"])
WHEN = st.one_of(st.sampled_from(["True", "amount >= 0", "amount > 5"]), CONDITIONS)
POINTS = st.one_of(st.sampled_from(["100", "50", "33.4", "1", "-100", "5000"]), NUMBERS)
SHARES = st.sampled_from(["100", "99.999999999", "50", "33.3", "0.000000001", "0"])
RULES = st.builds(Rule, WHEN, st.sampled_from(["live", "live", "shadow", "off"]), POINTS, SHARES)
TABLES = st.dictionaries(NAMES, RULES, max_size=4)


@given(TABLES, TABLES, payloads(), st.sampled_from([0, NOW_MS, -1]))
def test_the_audit_agrees_on_any_rules(
    rules: dict[str, Rule], candidates: dict[str, Rule], value: bytes, record_ms: int
) -> None:
    history = History()
    made = changes(*rules.items(), candidates=candidates, at=-(10**9))
    if history.take(made.record(0)):
        reject()  # an expression that is not allowed
    state = with_defaults(made.change_set(0).after, {"amount_over_threshold": Rule("amount > 900")})
    verdict = RuleSet(state).judge(TransactionReader(DEFAULT_MAPPING).read(value), record_ms)
    audited = read(record(value, record_ms), DEFAULT_MAPPING)
    assert audited is not None
    belongs = Allowed.FRAUD if verdict.is_fraud else Allowed.LEGIT
    assert judge(record(value, record_ms), law(history))[0] == belongs
    assert count_reasons(audited, record_ms, law(history)) == {len(verdict.hits)}
    assert count_shadow_reasons(audited, record_ms, law(history)) == {len(verdict.shadow)}
