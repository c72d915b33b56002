"""Whether examples come out as expected, and what each rule saw where they do not. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from decision.asked_rule import THRESHOLD_RULE
from decision.lists import NO_LISTS, ListBook
from decision.rule import Rule
from decision.rulebook import State, with_defaults
from decision.ruleset import RuleSet
from decision.verdict import Verdict, candidate_label
from payments.reading import TransactionReader
from payments.transaction import InvalidTransaction
from rules.text import aligned, one_line

_NO_TIME = -1  # so that it depends on the transaction alone what hour(...) is
_INDENT = "  "
_LONGEST_SHOWN = 200
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction, as JSON or as a table, and what is expected of it; None where anything is.

    `hits` and `undecided` are all rules that hit, and all that are undecided, in whatever mode; of a candidate it is
    its label.
    """

    transaction: str | dict[str, Any]
    name: str = ""
    hits: Sequence[str] | None = None
    undecided: Sequence[str] | None = None
    verdict: Literal["fraud", "legit"] | None = None

    @property
    def json(self) -> bytes:
        """The transaction as the value of a record."""
        return self.transaction.encode() if isinstance(self.transaction, str) else _encode(self.transaction)


class Rules(NamedTuple):
    """The rules that examples are held against, the lists that they ask, and what reads the examples."""

    asked: RuleSet
    reader: TransactionReader
    lists: ListBook = NO_LISTS


def rules_of(
    state: State, defaults: Mapping[str, Rule], reader: TransactionReader, lists: ListBook = NO_LISTS
) -> Rules:
    """Return the rules of a state, with those that settings give."""
    return Rules(RuleSet(with_defaults(state, defaults)), reader, lists)


def failures(examples: Sequence[Example], rules: Rules) -> Iterator[str]:
    """Yield the failed examples as text: what was expected, what has been found, and what each rule saw."""
    for number, example in enumerate(examples, 1):
        wrong = _wrong(example, rules)
        if wrong:
            name = f" ({one_line(example.name)})" if example.name else ""
            shown = one_line(example.json.decode(errors="replace"), _LONGEST_SHOWN)
            yield f"example {number}{name}: {shown}\n{aligned(wrong, _INDENT)}"


def unknown_names(rules: State, examples: Sequence[Example | None]) -> Iterator[str]:
    """Yield the rules that examples expect something of and that are not there, in a line each."""
    known = {THRESHOLD_RULE, *rules, *map(candidate_label, rules)}
    for number, example in enumerate(examples, 1):
        if example is not None:
            for name in (*(example.hits or ()), *(example.undecided or ())):
                if name not in known:
                    yield f"examples, the {number}.: there is no rule {one_line(name)}"


def _wrong(example: Example, rules: Rules) -> Sequence[tuple[str, str]]:
    """Return what is wrong in lines of two cells, none where nothing is."""
    try:
        transaction = rules.reader.read(example.json)
    except InvalidTransaction as error:
        return [("not a transaction", one_line(str(error)))]
    mismatches = list(_mismatches(example, rules.asked.judge(transaction, _NO_TIME, rules.lists)))
    said = rules.asked.said(transaction, _NO_TIME, rules.lists) if mismatches else ()
    return [*mismatches, *((rule, one_line(f"{outcome}: {saw}")) for rule, outcome, saw in said)]


def _mismatches(example: Example, verdict: Verdict) -> Iterator[tuple[str, str]]:
    hits = [hit.rule for hit in (*verdict.hits, *verdict.shadow)]
    for what, expected, found in (("hits", example.hits, hits), ("undecided", example.undecided, verdict.undecided)):
        if expected is not None and set(expected) != set(found):
            yield what, f"expected {_listed(expected)}, found {_listed(found)}"
    word = "fraud" if verdict.is_fraud else "legit"
    if example.verdict not in (None, word):
        yield "verdict", f"expected {example.verdict}, found {word} ({verdict.score:f} points)"


def _listed(names: Sequence[str]) -> str:
    return one_line(", ".join(sorted(names))) or "none"
