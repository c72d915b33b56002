"""The rule language: checks an expression, and translates it into Python that cannot raise.

docs/rules.md says what each part means. Every value but the mapped fields may be None.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from decision.functions import FUNCTIONS, zone
from decision.logic import Code, bound, called, chosen, condition, equality, in_order, joined, membership, negated
from decision.scope import Scope
from decision.source import InvalidExpression, Source
from decision.templates import fill
from decision.values import Kind

MOST_NODES = 200
FIELD = "field"
NAMES = {
    "id": (Kind.TEXT, "t.id"),
    "source": (Kind.TEXT, "t.source"),
    "target": (Kind.TEXT, "t.target"),
    "amount": (Kind.NUMBER, "t.amount"),
    "currency": (Kind.TEXT, "t.currency or None"),
}
_MAY_BE_MISSING = {"currency"}
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_ORDERS = {ast.Lt: ("<", "less"), ast.LtE: ("<=", "at_most"), ast.Gt: (">", "more"), ast.GtE: (">=", "at_least")}
_EQUALITIES = (ast.Eq, ast.NotEq)
_ARITHMETIC = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Mod: "remainder"}
_PYTHONS = {
    ast.Attribute: "a point behind a value",
    ast.Lambda: "a function of one's own",
    ast.JoinedStr: "a text with braces (f-string)",
    ast.Dict: "a dict",
    ast.NamedExpr: "an assignment",
    ast.Starred: "a star",
    ast.Pow: "a power",
    ast.FloorDiv: "//",
    ast.UAdd: "a plus sign",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.ListComp: "a loop",
    ast.SetComp: "a loop",
    ast.GeneratorExp: "a loop",
    ast.Set: "a list",
    ast.List: "a list",
    ast.Tuple: "a list",
}


class Expression(NamedTuple):
    """A checked expression: its value, and what it looked at, each with how it is written."""

    value: Code
    seen: Sequence[tuple[str, ast.expr]]


def translate(text: str, kind: Kind, scope: Scope) -> Expression:
    """Return the expression. Raises InvalidExpression where it is not one of this kind."""
    source = Source(text)
    tree = source.tree()
    nodes = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if nodes > MOST_NODES:
        raise source.error(f"{nodes} parts; at most {MOST_NODES} are allowed", 0)
    translator = _Translator(source, scope)
    code = translator.of_kind(tree, kind)
    return Expression(condition(code, scope) if kind is Kind.CONDITION else code, translator.seen)


class _Translator:
    """Walks the syntax tree of one expression."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self._source = source
        self._scope = scope
        self.seen: list[tuple[str, ast.expr]] = []
        self._by_type: Mapping[type, Callable[[Any], Code]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Subscript: self._field,
            ast.Call: self._call,
            ast.BoolOp: self._and_or,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._calculation,
            ast.Compare: self._comparison,
            ast.IfExp: self._choice,
        }

    def of_kind(self, node: ast.expr, kind: Kind) -> Code:
        """Return the code of a part that is to be of a kind. Raises InvalidExpression."""
        code = self._code(node)
        if kind is not Kind.ANY and code.kind not in (kind, Kind.ANY):
            raise self._source.error(f"{kind.value} is expected here, and this is {code.kind.value}", node)
        return code

    def _code(self, node: ast.expr) -> Code:
        translate_it = self._by_type.get(type(node))
        if translate_it is None:
            raise self._not_allowed(node, node)
        return translate_it(node)

    def _constant(self, node: ast.Constant) -> Code:
        if isinstance(node.value, bool):
            return Code(self._scope.constant(node.value), Kind.CONDITION, is_certain=True)
        if isinstance(node.value, str):
            return Code(self._scope.constant(self._text(node)), Kind.TEXT, is_certain=True)
        if node.value is None:
            raise self._source.error("None stands only behind `is` and `is not`", node)
        return self._number(node, "")

    def _number(self, node: ast.Constant, sign: str) -> Code:
        written = self._source.of(node)
        if not _NUMBER.fullmatch(written):
            raise self._source.error("a number is written with digits and a point", node)
        return Code(self._scope.constant(Decimal(sign + written)), Kind.NUMBER, is_certain=True)

    def _text(self, node: ast.expr) -> str:
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            raise self._source.error("a text in quotes is expected here", node)
        if self._source.has_line_break(node):
            raise self._source.error(r"a line break or a tab in a text is written \n or \t", node)
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            raise self._source.error("half a character", node)
        return node.value

    def _name(self, node: ast.Name) -> Code:
        if node.id == FIELD:
            raise self._source.error('a field is written field["country"]', node)
        known = NAMES.get(node.id)
        if known is None:
            raise self._unknown(node, [*NAMES, FIELD], "name")
        kind, how = known
        tree = self._scope.loaded(node.id, fill(how))
        self.seen.append((node.id, tree))
        return Code(tree, kind, node.id not in _MAY_BE_MISSING)

    def _field(self, node: ast.Subscript) -> Code:
        path: tuple[str, ...] = ()
        within: ast.expr = node
        while isinstance(within, ast.Subscript):
            path, within = (self._text(within.slice), *path), within.value
        if not (isinstance(within, ast.Name) and within.id == FIELD):
            raise self._source.error('only field["name"] takes a name in brackets', within)
        tree = self._scope.loaded(path, fill("load(t, P)", P=self._scope.constant(path)))
        self.seen.append((self._source.of(node), tree))
        return Code(tree, Kind.ANY)

    def _call(self, node: ast.Call) -> Code:
        if not isinstance(node.func, ast.Name):
            raise self._source.error("only functions have brackets behind them", node.func)
        name = node.func.id
        known = FUNCTIONS.get(name)
        if known is None:
            raise self._unknown(node.func, FUNCTIONS, "function")
        count = len(node.args)
        if node.keywords or not known.least <= count <= len(known.takes):
            raise self._source.error(f"expected {name}{known.usage}", node)
        if known.is_timed:
            return self._timed(node, name, known.result)
        arguments = [self.of_kind(each, kind).tree for each, kind in zip(node.args, known.takes, strict=False)]
        return Code(called(name, arguments), known.result)

    def _timed(self, node: ast.Call, name: str, result: Kind) -> Code:
        """Return the call of a function of the event's time and a zone."""
        [argument] = node.args
        found = zone(self._text(argument))
        if found is None:
            raise self._source.error('no such time zone; expected one such as "Europe/Berlin"', argument)
        tree = fill(f"{name}(t, at, Z)", Z=self._scope.constant(found))
        self.seen.append((self._source.of(node), tree))
        return Code(tree, result)

    def _and_or(self, node: ast.BoolOp) -> Code:
        word = "and" if isinstance(node.op, ast.And) else "or"
        return joined(word, [self.of_kind(each, Kind.CONDITION) for each in node.values], self._scope)

    def _unary(self, node: ast.UnaryOp) -> Code:
        if isinstance(node.op, ast.Not):
            return negated(self.of_kind(node.operand, Kind.CONDITION), self._scope)
        if not isinstance(node.op, ast.USub):
            raise self._not_allowed(node.op, node)
        code = self.of_kind(node.operand, Kind.NUMBER)
        if isinstance(node.operand, ast.Constant):
            return self._number(node.operand, "-")
        return Code(called("negative", [code.tree]), Kind.NUMBER)

    def _calculation(self, node: ast.BinOp) -> Code:
        name = _ARITHMETIC.get(type(node.op))
        if name is None:
            raise self._not_allowed(node.op, node)
        sides = [self.of_kind(side, Kind.NUMBER).tree for side in (node.left, node.right)]
        return Code(called(name, sides), Kind.NUMBER)

    def _choice(self, node: ast.IfExp) -> Code:
        test = self.of_kind(node.test, Kind.CONDITION)
        return chosen(test, self._code(node.body), self._code(node.orelse), self._scope)

    def _comparison(self, node: ast.Compare) -> Code:
        operators, sides = node.ops, [node.left, *node.comparators]
        if len(operators) == 1 and type(operators[0]) not in (*_ORDERS, *_EQUALITIES):
            return self._is_or_in(operators[0], *sides)
        for operator, side in zip(operators, sides[1:], strict=True):
            if type(operator) not in (*_ORDERS, *_EQUALITIES):
                raise self._source.error("`in` and `is` stand alone: `a in b and b < c`", side)
        codes = [self._code(side) for side in sides]
        if len(operators) == 1:
            return self._pairs(operators, sides, codes)
        return bound(codes, self._scope, partial(self._pairs, operators, sides))

    def _pairs(self, operators: Sequence[ast.cmpop], sides: Sequence[ast.expr], codes: Sequence[Code]) -> Code:
        """Return whether all neighbours compare so."""
        pairs = zip(operators, zip(codes, sides, strict=True), zip(codes[1:], sides[1:], strict=True), strict=False)
        parts = [self._pair(operator, left, right) for operator, left, right in pairs]
        return parts[0] if len(parts) == 1 else joined("and", parts, self._scope)

    def _pair(self, operator: ast.cmpop, left: tuple[Code, ast.expr], right: tuple[Code, ast.expr]) -> Code:
        (a, place), (b, other_place) = left, right
        if Kind.ANY not in (a.kind, b.kind) and a.kind is not b.kind:
            raise self._source.error(f"{b.kind.value} is compared with {a.kind.value}", other_place)
        if isinstance(operator, _EQUALITIES):
            are_equal = equality(a, b, self._scope)
            return are_equal if isinstance(operator, ast.Eq) else negated(are_equal, self._scope)
        if Kind.CONDITION in (a.kind, b.kind):
            raise self._source.error("conditions have no order", place)
        return in_order(*_ORDERS[type(operator)], a, b, self._scope)

    def _is_or_in(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> Code:
        if isinstance(operator, ast.In | ast.NotIn):
            within = self._within(left, right)
            return within if isinstance(operator, ast.In) else negated(within, self._scope)
        if not (isinstance(right, ast.Constant) and right.value is None):
            raise self._source.error("`is` is for None only; others are compared by ==", right)
        how = "X is None" if isinstance(operator, ast.Is) else "X is not None"
        return Code(fill(how, X=self._code(left).tree), Kind.CONDITION, is_certain=True)

    def _within(self, left: ast.expr, right: ast.expr) -> Code:
        if isinstance(right, ast.Constant):
            raise self._source.error('a list is written {"NG", "RU"}', right)
        if not isinstance(right, ast.Set | ast.List | ast.Tuple):
            text, part = self.of_kind(right, Kind.TEXT), self.of_kind(left, Kind.TEXT)
            return Code(called("contains", [text.tree, part.tree]), Kind.CONDITION)
        code = self._code(left)
        members = frozenset(self._listed(each) for each in right.elts)
        if code.kind not in (Kind.ANY, *(Kind.TEXT if isinstance(each, str) else Kind.NUMBER for each in members)):
            raise self._source.error(f"{code.kind.value} is never in this", right)
        return membership(code, members, self._scope)

    def _listed(self, node: ast.expr) -> str | Decimal:
        tree = self._code(node).tree
        value = self._scope.constants.get(tree.id) if isinstance(tree, ast.Name) else None
        if not isinstance(value, str | Decimal):
            raise self._source.error("only texts and numbers can be listed here", node)
        return value

    def _unknown(self, node: ast.Name, known: Iterable[str], what: str) -> InvalidExpression:
        near = get_close_matches(node.id, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"
        return self._source.error(f"there is no {what} {node.id}{hint}", node)

    def _not_allowed(self, what: ast.AST, place: ast.expr) -> InvalidExpression:
        name = _PYTHONS.get(type(what), type(what).__name__)
        return self._source.error(f"{name} is not allowed here", place)
