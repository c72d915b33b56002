"""What the expressions of one rule set share: constants, and what is loaded of a transaction, once for all."""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from decision.functions import FUNCTIONS, event_time, in_list, load
from decision.templates import fill, statement
from decision.values import OPERATORS, rounded
from payments.mapping import Path

_SHARED: Mapping[str, object] = {
    "NUMBER": Decimal,
    "WHOLE": int,
    "TEXT": str,
    "CONDITION": bool,
    "SCALARS": frozenset({str, int, Decimal}),
    "load": load,
    "event_time": event_time,
    "in_list": in_list,
    "rounded": rounded,
    "size": len,
    "UNSEEN": object(),
    **{name: function.call for name, function in FUNCTIONS.items()},
    **OPERATORS,
}


class Scope:
    """Names of constants and of loaded values, each of which stands for one value only."""

    def __init__(self) -> None:
        self.constants: dict[str, object] = dict(_SHARED)
        self._names: dict[object, str] = {}
        self._uses: Counter[str] = Counter()
        self._loads: dict[str, tuple[ast.expr, ast.expr]] = {}  # for one use, and for several
        self._late: dict[str, None] = {}
        self._fields: dict[Path, None] = {}
        self._lists: dict[str, None] = {}
        self._temporaries = 0

    def constant(self, value: object) -> ast.expr:
        """Return the name that stands for a constant."""
        key = type(value), repr(value)  # True, 1 and Decimal(1) are equal, but not one constant
        name = self._names.setdefault(key, f"c{len(self._names)}")
        self.constants[name] = value
        return fill(name)

    def field(self, path: Path) -> ast.expr:
        """Return what a record holds in a field."""
        self._fields.setdefault(path)
        return self.loaded_late(path, fill("load(t, P)", P=self.constant(path)))

    def list(self, name: str) -> ast.expr:
        """Return the name of a list's name."""
        self._lists.setdefault(name)
        return self.constant(name)

    @property
    def lists(self) -> Sequence[str]:
        """The names of the lists that are asked."""
        return [*self._lists]

    def loaded(self, key: object, how: ast.expr, once: ast.expr | None = None) -> ast.expr:
        """Return the name of what is loaded so, if it was not before; `once` is how, where it is used but once."""
        name = self._names.setdefault(("loaded", key), f"x{len(self._names)}")
        self._loads.setdefault(name, (once or how, how))
        self._uses[name] += 1
        return fill(name)

    def loaded_late(self, key: object, how: ast.expr) -> ast.expr:
        """Return what is loaded so where it is first needed: most conditions are false before they come to that."""
        name = self._names.setdefault(("loaded", key), f"x{len(self._names)}")
        self._late.setdefault(name)
        return fill("X if X is not UNSEEN else (X := HOW)", X=fill(name), HOW=how)

    @property
    def fields(self) -> Sequence[Path]:
        """The fields that are looked at."""
        return [*self._fields]

    def temporary(self) -> ast.expr:
        """Return a name that nothing else has."""
        self._temporaries += 1
        return fill(f"v{self._temporaries}")

    def loads(self) -> Sequence[ast.stmt]:
        """Return the statements that load what is used, and those that say what is not loaded yet."""
        loads = [statement(f"{name} = HOW", HOW=ways[self._uses[name] > 1]) for name, ways in self._loads.items()]
        return [*loads, *(statement(f"{name} = UNSEEN") for name in self._late)]
