"""From statements, made of our own templates alone, to a function of a transaction."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from decision.lists import ListBook
from decision.scope import Scope
from payments.transaction import Transaction

Compiled = Callable[[Transaction, int, ListBook], Any]


def function(scope: Scope, statements: Sequence[ast.stmt]) -> Compiled:
    """Return the function of a transaction, its record's time and the lists that returns what is `found`."""
    module = ast.parse("def ask(t, at, lists):\n    found = ()\n    return found")
    definition: Any = module.body[0]
    definition.body[1:1] = [*scope.loads(), *statements]
    names: dict[str, Any] = {**scope.constants, "__builtins__": {"type": type}}
    code = compile(ast.fix_missing_locations(module), "<rules>", "exec")
    exec(code, names)  # noqa: S102 - made of our own templates and names alone
    ask: Compiled = names["ask"]
    return ask
