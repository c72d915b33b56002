"""What a command makes of what holds under a name. Pure: what it leads to is written by others."""

from collections.abc import Mapping
from difflib import get_close_matches

from msgspec.structs import replace

from decision.rule import Mode, Rule, raise_if_invalid
from decision.rulebook import NOTHING, Held, State, changed, problem_with_size

_CANDIDATE: Mode = "shadow"  # what stands in a candidate, for whoever reads the topic by himself; nothing depends on it


class NotPossible(Exception):
    """Something that cannot be done with the rules as they are; the message says why."""


def without_given(after: State, now: State, defaults: Mapping[str, Rule]) -> State:
    """Return what is to be written: what settings give is left to them, as long as it is not changed."""
    return {
        name: held._replace(rule=None) if _is_left(name, held, now, defaults) else held for name, held in after.items()
    }


def with_these(held: Held, given: Mapping[str, str], *, in_shadow: bool) -> Held:
    """Return what holds once the rule has what is given, by the names of its parts; it keeps the others, and its mode.

    In shadow, a live rule stays as it is, and its candidate becomes that. Raises NotPossible for a rule without a
    condition.
    """
    if held.rule is None:
        if "when" not in given:
            raise NotPossible("there is no such rule yet: a new one needs an expression")
        return held._replace(rule=Rule(**given, mode="shadow" if in_shadow else "live"))
    if in_shadow and held.rule.mode == "live":
        return held._replace(candidate=replace(held.candidate or held.rule, mode=_CANDIDATE, **given))
    return held._replace(rule=replace(held.rule, mode="shadow" if in_shadow else held.rule.mode, **given))


def with_mode(held: Held, mode: Mode) -> Held:
    """Return what holds once the rule has another mode. Raises NotPossible where there is none."""
    if held.rule is None:
        raise NotPossible("there is only a candidate; promote it, or remove it")
    return held._replace(rule=replace(held.rule, mode=mode))


def promoted(held: Held) -> Held:
    """Return what holds once the candidate has replaced the rule, or the rule itself is live. Raises NotPossible."""
    if held.candidate is not None:
        return Held(replace(held.candidate, mode="live"))
    if held.rule is not None and held.rule.mode == "off":
        raise NotPossible("it is off, and was not tried in shadow mode; use `mode NAME live`")
    return with_mode(held, "live")


def named(name: str, state: State) -> Held:
    """Return what holds under a name. Raises NotPossible where that is nothing."""
    if name not in state:
        near = get_close_matches(name, state, 1)
        raise NotPossible(f"there is no rule {name}" + (f"; did you mean {near[0]}?" if near else ""))
    return state[name]


def without(name: str, now: State, *, only_candidate: bool) -> Held:
    """Return what is left of what the topic has under a name. Raises NotPossible where it has nothing there."""
    held = now.get(name, NOTHING)
    if only_candidate and held.candidate is None:
        raise NotPossible(f"{name} has no candidate")
    if held == NOTHING:
        raise NotPossible(f"{name} is given by a setting; `mode {name} off` switches it off")
    return held._replace(candidate=None) if only_candidate else NOTHING


def replaced(now: State, wanted: State) -> State:
    """Return what is to hold under each name of both, for just the wanted to hold."""
    return {name: wanted.get(name, NOTHING) for name in {**now, **wanted}}


def raise_if_not_allowed(now: State, after: State) -> None:
    """Raise InvalidRule, InvalidExpression or NotPossible where readers of the topic would refuse what is to hold."""
    for name, held in after.items():
        for rule in held:
            raise_if_invalid(name, rule)
    problem = problem_with_size(changed(now, after))
    if problem:
        raise NotPossible(problem)


def _is_left(name: str, held: Held, now: State, defaults: Mapping[str, Rule]) -> bool:
    return now.get(name, NOTHING).rule is None and held.rule is not None and held.rule == defaults.get(name)
