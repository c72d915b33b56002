"""What the expressions of one rule set share: constants, and what is loaded of a transaction, once for all."""

import ast
from collections.abc import Mapping
from decimal import Decimal

from decision import functions, values
from decision.templates import fill, statement

_OPERATORS = (
    *("add", "subtract", "multiply", "divide", "remainder", "negative"),
    *("less", "at_most", "more", "at_least", "equal", "contains"),
)
_SHARED: Mapping[str, object] = {
    "NUMBER": Decimal,
    "WHOLE": int,
    "TEXT": str,
    "CONDITION": bool,
    "SCALARS": frozenset({str, int, Decimal}),
    "load": functions.load,
    **{name: getattr(functions, name) for name in functions.FUNCTIONS},
    **{name: getattr(values, name) for name in _OPERATORS},
}


class Scope:
    """Names of constants and of loaded values, each of which stands for one value only."""

    def __init__(self) -> None:
        self.constants: dict[str, object] = dict(_SHARED)
        self._names: dict[object, str] = {}
        self._loads: dict[str, ast.expr] = {}
        self._temporaries = 0

    def constant(self, value: object) -> ast.expr:
        """Return the name that stands for a constant, which can be hashed."""
        key = type(value), repr(value)
        name = self._names.setdefault(key, f"c{len(self._names)}")
        self.constants[name] = value
        return _name(name)

    def loaded(self, key: object, how: ast.expr) -> ast.expr:
        """Return the name of what is loaded so, if it was not before."""
        name = self._names.setdefault(("loaded", key), f"x{len(self._names)}")
        self._loads.setdefault(name, how)
        return _name(name)

    def temporary(self) -> ast.expr:
        """Return a name that nothing else has."""
        self._temporaries += 1
        return _name(f"v{self._temporaries}")

    def loads(self) -> list[ast.stmt]:
        """Return the statements that load what is used."""
        return [statement(f"{name} = HOW", HOW=how) for name, how in self._loads.items()]


def _name(name: str) -> ast.expr:
    return fill(name)
