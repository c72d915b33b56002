"""A set of rules as one compiled function, and what each of them looks at."""

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from decision.expression import translate
from decision.scope import Scope
from decision.source import printed
from decision.templates import statement
from payments.transaction import Transaction

_LONGEST_VALUE = 60
_CONTAINERS: Mapping[type, str] = {list: "[...]", dict: "{...}"}

Outcomes = Sequence[tuple[int, bool | None]]
Function = Callable[[Transaction, int], Any]


class ExpressionRule(NamedTuple):
    """A rule that is an expression: it hits where that is true."""

    name: str
    when: str


class RuleSet:
    """Rules that are asked together. Raises InvalidExpression where one of them is not allowed."""

    def __init__(self, rules: Sequence[ExpressionRule]) -> None:
        scope = Scope()
        answers = [translate(rule.when, scope).tree for rule in rules]
        asked = [
            statement(f"if (saw := X) is not False: found = (*found, ({number}, saw))", X=answer)
            for number, answer in enumerate(answers)
        ]
        self.rules = rules
        self._ask: Callable[[Transaction, int], Outcomes] = _function(scope, asked)
        self._looks: dict[int, tuple[Sequence[str], Function]] = {}

    def ask(self, transaction: Transaction, record_ms: int) -> Outcomes:
        """Return the numbers of the rules that hit, with True, and of those that are undecided, with None.

        `record_ms` is the record's timestamp in milliseconds since 1970. Never raises.
        """
        return self._ask(transaction, record_ms)

    def values(self, number: int, transaction: Transaction, record_ms: int) -> str:
        """Return what a rule looks at, and its values: `amount = 812.10, field["n"] = 5`."""
        if number not in self._looks:
            self._looks[number] = _looks_of(self.rules[number].when)
        parts, look = self._looks[number]
        values = zip(map(printed, parts), look(transaction, record_ms), strict=True)
        return ", ".join(f"{part} = {_readable(value)}" for part, value in values)


def _readable(value: object) -> str:
    """Return a value for people to read, the beginning of it where it is long."""
    if type(value) is str:
        quoted = printed(json.dumps(value[:_LONGEST_VALUE], ensure_ascii=False))
        return quoted if len(value) <= _LONGEST_VALUE else f"{quoted[:-1]}..."
    text = _CONTAINERS.get(type(value)) or str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _looks_of(when: str) -> tuple[Sequence[str], Function]:
    """Return how the parts that an expression looks at are written, and what returns their values."""
    scope = Scope()
    parts = translate(when, scope).parts
    return list(parts), _function(scope, [statement("found = (*found, X)", X=tree) for tree in parts.values()])


def _function(scope: Scope, statements: Sequence[ast.stmt]) -> Function:
    """Return the function of a transaction and its record's time that returns what the statements have `found`."""
    module = ast.parse("def ask(t, at):\n    found = ()\n    return found")
    definition: Any = module.body[0]
    definition.body[1:1] = [*scope.loads(), *statements]
    names: dict[str, Any] = {**scope.constants, "__builtins__": {"type": type}}
    code = compile(ast.fix_missing_locations(module), "<rules>", "exec")
    exec(code, names)  # noqa: S102 - made of our own templates and names alone
    ask: Function = names["ask"]
    return ask
