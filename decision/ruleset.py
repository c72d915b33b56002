"""A set of rules as a compiled function, and what follows from it for a transaction."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from decision.asked_rule import AskedRule
from decision.compilation import function
from decision.expression import translate
from decision.rulebook import State
from decision.scope import Scope
from decision.templates import statement
from decision.verdict import Hit, Verdict, points_of
from payments.mapping import Path
from payments.transaction import Transaction

_MOST_TOGETHER = 50

Answers = Sequence[tuple[int, bool | None]]
Ask = Callable[[Transaction, int], Answers]


class Part(NamedTuple):
    """Some rules of a set as one function, which returns the numbers of those that hit or are undecided."""

    ask: Ask
    fields: Sequence[Path]


class RuleSet:
    """The rules of a state, asked together; `asked` are those that are not off, and behind them the candidates.

    `fields` are the paths of all fields that they look at. Raises InvalidExpression where one of them is not allowed.
    """

    def __init__(self, state: State) -> None:
        rules = [(name, held.rule) for name, held in state.items() if held.rule]
        candidates = [(name, held.candidate) for name, held in state.items() if held.candidate]
        rules_asked = [AskedRule(name, rule) for name, rule in rules if rule.mode != "off"]
        candidates_asked = [AskedRule(name, rule, is_candidate=True) for name, rule in candidates]
        self.asked = [*rules_asked, *candidates_asked]
        parts = [*_parts(rules_asked, 0), *_parts(candidates_asked, len(rules_asked))]
        paths = [path for part in parts for path in part.fields]
        self.fields = [*dict.fromkeys((*paths, *(path for asked in self.asked for path in asked.fields_of_points)))]
        self._ask: Ask = parts[0].ask if len(parts) == 1 else partial(_ask_all, [part.ask for part in parts])

    def __str__(self) -> str:
        """Return how many there are of each kind."""
        kinds = Counter("candidate" if asked.is_candidate else asked.rule.mode for asked in self.asked)
        counts = {"live": kinds["live"], "in shadow": kinds["shadow"], "candidates": kinds["candidate"]}
        return ", ".join(f"{count} {kind}" for kind, count in counts.items())

    def judge(self, transaction: Transaction, record_ms: int) -> Verdict:
        """Return what follows; `record_ms` is the record's timestamp in milliseconds since 1970. Never raises."""
        answers = self._ask(transaction, record_ms)
        return self._verdict(transaction, record_ms, answers) if answers else Verdict(transaction)

    def outcomes(self, transaction: Transaction, record_ms: int) -> Sequence[bool | None]:
        """Return of each rule that is asked whether it hits, None where it is undecided; shares are left out of it."""
        answers = dict(self._ask(transaction, record_ms))
        return [answers.get(number, False) for number in range(len(self.asked))]

    def _verdict(self, transaction: Transaction, record_ms: int, answers: Answers) -> Verdict:
        hits: list[Hit] = []
        shadow: list[Hit] = []
        undecided: list[str] = []
        for number, answer in answers:
            asked = self.asked[number]
            if not asked.holds_for(transaction.source):
                continue
            if answer is None:
                undecided.append(asked.label)
            else:
                (hits if asked.is_live else shadow).append(asked.hit(transaction, record_ms))
        # Tuples, because Python looks into lists again and again for what it can collect.
        return Verdict(transaction, tuple(hits), points_of(hits), tuple(shadow), tuple(undecided))


def _parts(asked: Sequence[AskedRule], first: int) -> Iterator[Part]:
    """Yield the parts of rules that follow each other, the first of which has this number."""
    for begin in range(0, len(asked), _MOST_TOGETHER):
        conditions = tuple(each.rule.when for each in asked[begin : begin + _MOST_TOGETHER])
        yield _compiled(conditions, first + begin)


@lru_cache(maxsize=64)
def _compiled(conditions: tuple[str, ...], first: int) -> Part:
    """Compile conditions, once: where one rule has changed, the other parts of the next set are those of the last."""
    scope = Scope()
    trees = [translate(condition, scope).tree for condition in conditions]
    statements = [
        statement(f"if (saw := X) is not False: found = (*found, ({number}, saw))", X=tree)
        for number, tree in enumerate(trees, first)
    ]
    return Part(function(scope, statements), scope.fields)


def _ask_all(asks: Sequence[Ask], transaction: Transaction, record_ms: int) -> Answers:
    return [answer for ask in asks for answer in ask(transaction, record_ms)]
