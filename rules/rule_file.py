"""Rules in a TOML file, with examples of what they are to find: reads it, and writes it. Pure.

[rules.night_abroad]
when = 'amount >= 500 and hour("Europe/Berlin") < 6'
points = 60

[lists]  # for the examples
blocked = ["a", 1]

[[examples]]
transaction = '{"id": "1", "source": "a", "target": "b", "amount": 812.10}'
verdict = "legit"
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from decision.history import FORMAT
from decision.list_change import ListChange, ListChangeSet, encode
from decision.lists import ListBook
from decision.rule import InvalidRule, Mode, Rule, raise_if_invalid
from decision.rulebook import Held, State, problem_with_size
from decision.source import InvalidExpression
from rules.examples import Example, unknown_names
from rules.text import one_line

_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
_MOST_DIGITS = 100  # written out: 1e300000000 has as many
_DEFAULT = Rule("")

T = TypeVar("T")


class InvalidFile(Exception):
    """A file that cannot be used: each of its mistakes with its place in it."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class RuleFile(NamedTuple):
    """What a file holds; the lists are those of the examples."""

    rules: State
    examples: Sequence[Example]
    lists: ListBook


class _Candidate(Struct, frozen=True, forbid_unknown_fields=True):
    when: str
    points: str = _DEFAULT.points
    share: str = _DEFAULT.share
    note: str = _DEFAULT.note


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    when: str | None = None
    mode: Mode = _DEFAULT.mode
    points: str = _DEFAULT.points
    share: str = _DEFAULT.share
    note: str = _DEFAULT.note
    candidate: _Candidate | None = None


class _Top(Struct, forbid_unknown_fields=True):
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)


def read(text: str) -> RuleFile:
    """Return what the text of a file holds, all of it allowed. Raises InvalidFile."""
    try:
        top = msgspec.convert(tomllib.loads(text, parse_float=_number), _Top)
    except (ValueError, msgspec.ValidationError, RecursionError) as error:
        raise InvalidFile([str(error)]) from error
    mistakes: list[str] = []
    rules = {name: held for name, table in top.rules.items() if (held := _held(name, table, mistakes)) is not None}
    examples = [_converted(f"examples, the {n}.", table, Example, mistakes) for n, table in enumerate(top.examples, 1)]
    lists = _lists(top.lists, mistakes)
    mistakes += filter(None, [problem_with_size(rules), *unknown_names(rules, examples)])
    if mistakes:
        raise InvalidFile(mistakes)
    return RuleFile(rules, [example for example in examples if example is not None], lists)


def text_of(state: State) -> str:
    """Return rules as the text of a file."""
    return "\n".join("\n".join(_lines(name, held)) + "\n" for name, held in sorted(state.items()))


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is beyond all numbers") from None


def _held(name: str, table: Mapping[str, Any], mistakes: list[str]) -> Held | None:
    place = f"rules.{_key(name)}"
    entry = _converted(place, _with_texts(table), _Entry, mistakes)
    if entry is None:
        return None
    if entry.when is None and (entry.candidate is None or table.keys() > {"candidate"}):
        mistakes.append(f"{place}: `when` is missing")
        return None
    held = Held(_rule(entry), _candidate(entry))
    mistakes += _not_allowed(name, place, held)
    return held


def _lists(tables: Mapping[str, Sequence[Any]], mistakes: list[str]) -> ListBook:
    """Return the lists of a file, as they would be had they been taken from the topic."""
    book = ListBook()
    for name, members in tables.items():
        change_set = ListChangeSet(FORMAT, name, "", [ListChange(name, book.version, add=members)])
        problem = book.problem(change_set) or book.take(book.version, encode(change_set)).problem
        if problem:
            mistakes.append(f"lists.{_key(name)}: {problem}")
    return book


def _with_texts(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a table with numbers as texts, in which form rules have them; so are those of a candidate in it."""
    texts = {name: _text(value) for name, value in table.items()}
    candidate = table.get("candidate")
    if isinstance(candidate, dict):
        texts["candidate"] = {name: _text(value) for name, value in candidate.items()}
    return texts


def _text(value: object) -> object:
    if isinstance(value, Decimal) and abs(value.adjusted()) <= _MOST_DIGITS:
        return f"{value:f}"
    return str(value) if isinstance(value, Decimal) or type(value) is int else value


def _converted(place: str, table: object, kind: type[T], mistakes: list[str]) -> T | None:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        mistakes.append(f"{place}: {one_line(str(error))}")
        return None


def _rule(entry: _Entry) -> Rule | None:
    return None if entry.when is None else Rule(entry.when, entry.mode, entry.points, entry.share, entry.note)


def _candidate(entry: _Entry) -> Rule | None:
    found = entry.candidate
    return None if found is None else Rule(found.when, "shadow", found.points, found.share, found.note)


def _not_allowed(name: str, place: str, held: Held) -> Iterator[str]:
    for where, rule in ((place, held.rule), (f"{place}.candidate", held.candidate)):
        try:
            if rule is not None:
                raise_if_invalid(name, rule)
        except (InvalidRule, InvalidExpression) as error:
            yield f"{where}: {error}"


def _lines(name: str, held: Held) -> Iterator[str]:
    if held.rule is not None:
        yield f"[rules.{_key(name)}]"
        yield from _fields(held.rule)
    if held.candidate is not None:
        yield f"[rules.{_key(name)}.candidate]"
        yield from _fields(replace(held.candidate, mode=_DEFAULT.mode))


def _fields(rule: Rule) -> Iterator[str]:
    for name in Rule.__struct_fields__:
        value = getattr(rule, name)
        if value != getattr(_DEFAULT, name):
            yield f"{name} = {_quoted(value)}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """Return a text as TOML writes it, with nothing in it that a terminal would obey."""
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08X}" for sign in escaped)
