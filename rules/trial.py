"""What a rule would say of transactions that there have been. Pure."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from decision.asked_rule import AskedRule, lists_named
from decision.functions import load
from decision.leaves import is_membership, written_field
from decision.lists import NO_LISTS, ListBook
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from payments.transaction import Transaction

Tried = tuple[Transaction, int]  # and its record's timestamp in ms since 1970
_MISSING = "None"


def trial(name: str, rule: Rule, transactions: Sequence[Tried], lists: ListBook = NO_LISTS) -> Iterator[str]:
    """Yield lines: on how many of the transactions the rule hits, and which fields that it names none of them has."""
    rules = RuleSet({name: Held(replace(rule, mode="live"))})
    (asked,) = rules.asked
    within = [tried for tried in transactions if asked.holds_for(tried[0].source)]
    outcomes = [rules.outcomes(*tried, lists)[0] for tried in within]
    hits, undecided = outcomes.count(True), outcomes.count(None)
    yield f"of the last {len(transactions):,} transactions it hits {hits:,}, and is undecided on {undecided:,}"
    for part in _missing(asked, lists, transactions):
        nested = part.replace(".", '"]["')
        hint = f"; one field within another is written {nested}" if nested != part else ""
        yield f"warning: none of them has {part}{hint}"


def empty_lists(asked: Sequence[AskedRule], lists: ListBook) -> Iterator[str]:
    """Yield a line for each list that one of the rules asks for and nobody is in."""
    for name in lists_named(rule.rule for rule in asked):
        if lists.is_empty(name):
            what = "is empty" if name in lists.lists else "does not exist, and counts as empty"
            yield f"warning: the list {name} {what}, until `lists add {name} MEMBER`"


def _missing(asked: AskedRule, lists: ListBook, transactions: Sequence[Tried]) -> Sequence[str]:
    """Return what the rule looks at and no transaction has."""
    missing: list[str] | None = None
    for tried in transactions:
        absent = _absent(asked, lists, *tried)
        missing = absent if missing is None else [part for part in missing if part in absent]
        if not missing:
            break
    return missing or []


def _absent(asked: AskedRule, lists: ListBook, transaction: Transaction, record_ms: int) -> list[str]:
    """Return what the rule, its points included, looks at and a transaction has not."""
    values = asked.values(transaction, record_ms, lists)
    of_condition = [part for part, value in values if value == _MISSING and not is_membership(part)]
    of_points = [written_field(path) for path in asked.fields_of_points if load(transaction, path) is None]
    return list(dict.fromkeys([*of_condition, *of_points]))
