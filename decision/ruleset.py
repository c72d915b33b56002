"""A set of rules as one compiled function, and the reasons for its hits."""

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from decision.expression import translate
from decision.scope import Scope
from decision.templates import statement
from decision.values import Kind
from payments.transaction import Transaction

LONGEST_REASON = 256
_LONGEST_VALUE = 60
_NAMES_OF_CONTAINERS: Mapping[type, str] = {list: "[...]", dict: "{...}"}

Outcomes = Sequence[tuple[int, bool | None]]
Ask = Callable[[Transaction, int], Any]


class ExpressionRule(NamedTuple):
    """A rule that is an expression: it hits where that is true."""

    name: str
    when: str


class RuleSet:
    """Rules that are asked together. Raises InvalidExpression where one of them is not allowed."""

    def __init__(self, rules: Sequence[ExpressionRule]) -> None:
        scope = Scope()
        answers = [translate(rule.when, Kind.CONDITION, scope).value.tree for rule in rules]
        asked = [
            statement(f"if (saw := X) is not False: found = (*found, ({number}, saw))", X=answer)
            for number, answer in enumerate(answers)
        ]
        self.rules = rules
        self._ask: Callable[[Transaction, int], Outcomes] = _function(scope, asked)
        self._seen: dict[int, tuple[Sequence[str], Ask]] = {}

    def ask(self, transaction: Transaction, record_ms: int) -> Outcomes:
        """Return the numbers of the rules that hit, with True, and of those that are undecided, with None.

        `record_ms` is the record's timestamp in milliseconds since 1970. Never raises.
        """
        return self._ask(transaction, record_ms)

    def reason(self, number: int, transaction: Transaction, record_ms: int) -> str:
        """Return the rule's name and what it saw of the transaction: `name: amount = 812.10, field["n"] = 5`."""
        return f"{self.rules[number].name}: {self.values(number, transaction, record_ms)}"[:LONGEST_REASON]

    def values(self, number: int, transaction: Transaction, record_ms: int) -> str:
        """Return what a rule looks at, and its values: `amount = 812.10, field["n"] = 5`."""
        if number not in self._seen:
            self._seen[number] = _seen(self.rules[number].when)
        parts, ask = self._seen[number]
        values = zip(parts, ask(transaction, record_ms), strict=True)
        return ", ".join(f"{part} = {shown(value)}" for part, value in values)


def shown(value: object) -> str:
    """Return a value as an expression has it, the beginning of it where it is long."""
    if type(value) is str:
        return json.dumps(value[:_LONGEST_VALUE], ensure_ascii=False)
    return _NAMES_OF_CONTAINERS.get(type(value)) or str(value)[:_LONGEST_VALUE]


def _seen(when: str) -> tuple[Sequence[str], Ask]:
    """Return how the parts that an expression looks at are written, each once, and what returns their values."""
    scope = Scope()
    parts: Mapping[str, ast.expr] = dict(translate(when, Kind.CONDITION, scope).seen)
    added = [statement("found = (*found, X)", X=tree) for tree in parts.values()]
    return list(parts), _function(scope, added)


def _function(scope: Scope, statements: Sequence[ast.stmt]) -> Ask:
    """Return the function of a transaction and its record's time that returns what the statements have `found`."""
    module = ast.parse("def ask(t, at):\n    found = ()\n    return found")
    definition: Any = module.body[0]
    definition.body[1:1] = [*scope.loads(), *statements]
    names: dict[str, Any] = {**scope.constants, "__builtins__": {"type": type}}
    exec(compile(module, "<rules>", "exec"), names)  # noqa: S102 - made of our own templates and names alone
    ask: Ask = names["ask"]
    return ask
