"""A set of rules as one compiled function, and what follows from it for a transaction."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from decision.asked_rule import AskedRule
from decision.compilation import function
from decision.expression import translate
from decision.rule import Rule
from decision.scope import Scope
from decision.templates import statement
from decision.verdict import Hit, Verdict, points_of
from payments.transaction import Transaction

_NONE: Mapping[str, Rule] = MappingProxyType({})

Answers = Sequence[tuple[int, bool | None]]


class RuleSet:
    """Rules that are asked together, by their names; `asked` are those that are not off.

    `fields` are the paths of all fields that they look at. Raises InvalidExpression where one of them is not allowed.
    """

    def __init__(self, rules: Mapping[str, Rule], candidates: Mapping[str, Rule] = _NONE) -> None:
        self.asked = [
            *(AskedRule(name, rule) for name, rule in rules.items() if rule.mode != "off"),
            *(AskedRule(name, rule, is_candidate=True) for name, rule in candidates.items()),
        ]
        scope = Scope()
        conditions = [translate(asked.rule.when, scope).tree for asked in self.asked]
        statements = [
            statement(f"if (saw := X) is not False: found = (*found, ({number}, saw))", X=condition)
            for number, condition in enumerate(conditions)
        ]
        self.fields = [
            *dict.fromkeys((*scope.fields, *(path for asked in self.asked for path in asked.fields_of_points)))
        ]
        self._ask: Callable[[Transaction, int], Answers] = function(scope, statements)

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
