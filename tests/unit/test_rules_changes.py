"""What each command makes of what holds under a name."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from decision.rule import InvalidRule, Rule
from decision.rulebook import NOTHING, Held
from decision.source import InvalidExpression
from rules import changes
from rules.changes import NotPossible

LIVE = Rule("amount > 5", points="60", note="first")
SHADOW = Rule("amount > 5", mode="shadow")
OFF = Rule("amount > 5", mode="off")
CANDIDATE = Rule("amount > 6", mode="shadow", points="70")
NAME = "amount_over_threshold"
DEFAULTS = {NAME: Rule("amount > 900")}


@pytest.mark.parametrize(
    ("held", "in_shadow", "becomes"),
    [
        (NOTHING, False, Held(Rule("amount > 9", share="5"))),
        (NOTHING, True, Held(Rule("amount > 9", "shadow", share="5"))),
        (Held(LIVE), False, Held(Rule("amount > 9", "live", "60", "5", "first"))),
        (Held(LIVE), True, Held(LIVE, Rule("amount > 9", "shadow", "60", "5", "first"))),
        (Held(LIVE, CANDIDATE), False, Held(Rule("amount > 9", "live", "60", "5", "first"), CANDIDATE)),
        (Held(LIVE, CANDIDATE), True, Held(LIVE, Rule("amount > 9", "shadow", "70", "5"))),
        (Held(SHADOW), False, Held(Rule("amount > 9", "shadow", share="5"))),
        (Held(SHADOW), True, Held(Rule("amount > 9", "shadow", share="5"))),
        (Held(OFF), False, Held(Rule("amount > 9", "off", share="5"))),
        (Held(OFF), True, Held(Rule("amount > 9", "shadow", share="5"))),
    ],
)
def test_setting_an_expression_keeps_what_is_not_given(held: Held, in_shadow: bool, becomes: Held) -> None:  # noqa: FBT001 - a case
    assert changes.with_these(held, {"when": "amount > 9", "share": "5"}, in_shadow=in_shadow) == becomes


def test_what_is_no_expression_can_be_set_alone_but_not_of_a_new_rule() -> None:
    assert changes.with_these(Held(SHADOW), {"share": "5"}, in_shadow=False) == Held(replace(SHADOW, share="5"))
    assert changes.with_these(Held(LIVE), {"share": "5"}, in_shadow=True).candidate == Rule(
        LIVE.when, "shadow", LIVE.points, "5", LIVE.note
    )
    with pytest.raises(NotPossible, match="needs an expression"):
        changes.with_these(NOTHING, {"share": "5"}, in_shadow=False)


@pytest.mark.parametrize(
    ("held", "becomes"),
    [
        (Held(LIVE, CANDIDATE), Held(Rule("amount > 6", points="70"))),
        (Held(None, CANDIDATE), Held(Rule("amount > 6", points="70"))),
        (Held(SHADOW), Held(Rule("amount > 5"))),
        (Held(LIVE), Held(LIVE)),
    ],
)
def test_the_candidate_is_promoted_or_else_the_rule(held: Held, becomes: Held) -> None:
    assert changes.promoted(held) == becomes


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: changes.promoted(Held(OFF)), "it is off, and was not tried in shadow mode; use `mode NAME live`"),
        (
            lambda: changes.with_mode(Held(None, CANDIDATE), "off"),
            "there is only a candidate; promote it, or remove it",
        ),
        (lambda: changes.named("nigt", {"night": Held(LIVE)}), "there is no rule nigt; did you mean night?"),
        (lambda: changes.named("x", {"night": Held(LIVE)}), "there is no rule x"),
        (lambda: changes.without("a", {"a": Held(LIVE)}, only_candidate=True), "a has no candidate"),
        (
            lambda: changes.without(NAME, {}, only_candidate=False),
            f"{NAME} is given by a setting; `mode {NAME} off` switches it off",
        ),
        (
            lambda: changes.raise_if_not_allowed({f"a{n}": Held(LIVE) for n in range(500)}, {"b": Held(LIVE)}),
            "more than 500 rules",
        ),
    ],
)
def test_what_is_not_possible_says_why(attempt: Callable[[], object], message: str) -> None:
    with pytest.raises(NotPossible) as refused:
        attempt()
    assert str(refused.value) == message


def test_a_rule_is_removed_whole_or_only_its_candidate() -> None:
    now = {"a": Held(LIVE, CANDIDATE)}
    assert changes.without("a", now, only_candidate=True) == Held(LIVE)
    assert changes.without("a", now, only_candidate=False) == NOTHING
    assert changes.named("a", now) == now["a"]
    assert changes.with_mode(now["a"], "off") == Held(Rule("amount > 5", "off", "60", "100", "first"), CANDIDATE)


def test_what_a_setting_gives_is_not_written() -> None:
    given = DEFAULTS[NAME]
    assert changes.without_given({NAME: Held(given, CANDIDATE)}, {}, DEFAULTS) == {NAME: Held(None, CANDIDATE)}
    assert changes.without_given({NAME: Held(given)}, {NAME: Held(LIVE)}, DEFAULTS) == {NAME: Held(given)}
    assert changes.without_given({"a": Held(given)}, {}, DEFAULTS) == {"a": Held(given)}


def test_what_is_not_wanted_any_more_is_removed() -> None:
    wanted = changes.replaced({"a": Held(LIVE), "b": Held(LIVE)}, {"b": Held(OFF), "c": Held(LIVE)})
    assert wanted == {"a": NOTHING, "b": Held(OFF), "c": Held(LIVE)}


@pytest.mark.parametrize(
    ("name", "held", "error"),
    [
        ("a b", Held(LIVE), InvalidRule),
        ("a", Held(LIVE, Rule("amont > 5")), InvalidExpression),
        ("a", Held(Rule("amount > 5", points='"x"')), InvalidExpression),
        ("a", Held(Rule("amount > 5", share="101")), InvalidRule),
    ],
)
def test_nothing_is_written_that_readers_would_refuse(name: str, held: Held, error: type[Exception]) -> None:
    with pytest.raises(error):
        changes.raise_if_not_allowed({}, {name: held})


def test_500_rules_may_be_changed_and_removed() -> None:
    now = {f"a{n}": Held(LIVE) for n in range(500)}
    changes.raise_if_not_allowed(now, {"a0": Held(OFF)})
    changes.raise_if_not_allowed(now, {"a0": NOTHING, "b": Held(LIVE)})
