"""What stands in an expression by itself: texts, numbers, names, fields."""

import ast
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from typing import NamedTuple, TypeGuard

from decision.list_change import NAME, NAME_EXPECTED
from decision.logic import Code
from decision.scope import Scope
from decision.source import InvalidExpression, Source
from decision.templates import fill
from decision.values import LONGEST_TEXT, Kind
from payments.mapping import HALF_A_CHARACTER, Path

FIELD = "field"
LIST = "list"
NAMES = {
    "id": (Kind.TEXT, f"t.id if size(t.id) <= {LONGEST_TEXT} else None"),
    "source": (Kind.TEXT, f"t.source if size(t.source) <= {LONGEST_TEXT} else None"),
    "target": (Kind.TEXT, f"t.target if size(t.target) <= {LONGEST_TEXT} else None"),
    "amount": (Kind.NUMBER, "rounded(t.amount)"),
    "currency": (Kind.TEXT, f"t.currency if 0 < size(t.currency) <= {LONGEST_TEXT} else None"),
}
_ALWAYS_THERE = {"amount"}
_WORDS = ("True", "False", "None")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_NEAR = 0.75
_MEMBERSHIP = re.compile(rf' in {LIST}\["[^"]+"\]$')


class Translation(NamedTuple):
    """One expression while it is translated; `parts` are what it looks at, by how they are written."""

    source: Source
    scope: Scope
    parts: dict[str, ast.expr]

    def error(self, problem: str, place: ast.expr) -> InvalidExpression:
        """Return the error that says this of a place."""
        return self.source.error(problem, place)

    def looks_at(self, written: str, tree: ast.expr) -> ast.expr:
        """Remember that the expression looks at this; return the tree."""
        return self.parts.setdefault(written, tree)


def constant(node: ast.Constant, translation: Translation) -> Code:
    """Return a text, a number, True or False."""
    if isinstance(node.value, bool):
        return Code(translation.scope.constant(node.value), Kind.CONDITION, is_certain=True)
    if isinstance(node.value, str):
        return Code(translation.scope.constant(text(node, translation)), Kind.TEXT, is_certain=True)
    if node.value is None:
        raise translation.error("None may only follow `is` or `is not`", node)
    return Code(translation.scope.constant(number(node, translation)), Kind.NUMBER, is_certain=True)


def number(node: ast.Constant, translation: Translation) -> Decimal:
    """Return a number exactly as it is written."""
    if not isinstance(node.value, int | float | complex):
        raise translation.error("this is not allowed here", node)
    written = translation.source.written(node)
    if not _NUMBER.fullmatch(written):
        raise translation.error("a number is written with digits and a point, such as 900 or 0.5", node)
    return Decimal(written)


def text(node: ast.expr, translation: Translation) -> str:
    """Return a text that is written in quotes."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        raise translation.error("a text in quotes is expected here", node)
    if translation.source.has_line_break(node):
        raise translation.error(r"inside quotes, write a line break as \n and a tab as \t", node)
    if r"\N" in translation.source.written(node):
        # Which names there are differs from one edition of Python to the next.
        raise translation.error(r"instead of \N{...}, write the character itself", node)
    if len(node.value) > LONGEST_TEXT:
        raise translation.error(f"a text is at most {LONGEST_TEXT} characters long", node)
    if HALF_A_CHARACTER.search(node.value):
        raise translation.error("half of a surrogate pair is not a character", node)
    return node.value


def name(node: ast.Name, translation: Translation) -> Code:
    """Return what a name stands for."""
    if node.id == FIELD:
        raise translation.error('a field is written field["country"]', node)
    if node.id == LIST:
        raise translation.error('a list is written list["blocked"]', node)
    known = NAMES.get(node.id)
    if known is None:
        near = _nearest(node.id, [*NAMES, *_WORDS])
        hint = f"did you mean {near}?" if near else f'another field of the record is written field["{node.id}"]'
        raise translation.error(f"there is no name {node.id}; {hint}", node)
    kind, how = known
    once = fill("t.amount") if node.id == "amount" else None  # to round it would cost more than it saves
    tree = translation.looks_at(node.id, translation.scope.loaded(node.id, fill(how), once))
    return Code(tree, kind, node.id in _ALWAYS_THERE)


def field(node: ast.Subscript, translation: Translation) -> Code:
    """Return what a record holds in a field."""
    if is_list(node):
        raise translation.error('a list may only follow `in` or `not in`: source in list["blocked"]', node)
    path: tuple[str, ...] = ()
    within: ast.expr = node
    while isinstance(within, ast.Subscript):
        path, within = (text(within.slice, translation), *path), within.value
    if not (isinstance(within, ast.Name) and within.id == FIELD):
        raise translation.error('only field can be followed by ["name"]', within)
    return Code(translation.looks_at(written_field(path), translation.scope.field(path)), Kind.ANY)


def written_field(path: Path) -> str:
    """Return how a field is written: `field["device"]["ip"]`."""
    return FIELD + "".join(f"[{json.dumps(step, ensure_ascii=False)}]" for step in path)


def is_list(node: ast.expr) -> TypeGuard[ast.Subscript]:
    """Tell whether it is a list by its name."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == LIST


def list_name(node: ast.Subscript, translation: Translation) -> str:
    """Return the name of a list."""
    name = text(node.slice, translation)
    if not NAME.fullmatch(name):
        raise translation.error(NAME_EXPECTED, node.slice)
    return name


def written_list(name: str) -> str:
    """Return how a list is written: `list["blocked"]`."""
    return f'{LIST}["{name}"]'


def is_membership(part: str) -> bool:
    """Tell whether what an expression looks at is whether a value is in a list, by how that is written."""
    return _MEMBERSHIP.search(part) is not None


def unknown_function(node: ast.Name, known: Iterable[str], translation: Translation) -> InvalidExpression:
    """Return the error that there is no such function, with the nearest one."""
    near = _nearest(node.id, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
    return translation.error(f"there is no function {node.id}; {hint}", node)


def _nearest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(word, known, n=1, cutoff=_NEAR)), None)
