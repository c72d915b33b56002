"""A set of rules as a compiled function, and what follows from it for a transaction."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple
from zlib import crc32

from decision.asked_rule import AskedRule
from decision.compilation import function
from decision.expression import translate
from decision.lists import NO_LISTS, ListBook
from decision.rulebook import MOST_RULES, State
from decision.scope import Scope
from decision.templates import statement
from decision.verdict import Hit, Verdict, in_words, points_of
from payments.mapping import Path
from payments.transaction import Transaction

_TOGETHER = 32
_OUTCOMES = {True: "hit", None: "undecided", False: "no hit"}


Answers = Sequence[tuple[int, bool | None]]
Ask = Callable[[Transaction, int, ListBook], Answers]


class Part(NamedTuple):
    """Some conditions as one function, which returns the numbers of those that are true or undecided, from 0 on."""

    ask: Ask
    fields: Sequence[Path]


class Said(NamedTuple):
    """What a rule says of a transaction, in words: hit, no hit, undecided, not for this account; and what it saw."""

    label: str
    outcome: str
    saw: str


class RuleSet:
    """The rules of a state, asked together; `asked` are those that are not off, and behind them the candidates.

    `fields` are the paths of all fields that they look at. Raises InvalidExpression where one of them is not allowed.
    """

    def __init__(self, state: State) -> None:
        self.asked = asked_of(state)
        groups = _groups(self.asked)
        parts = [_compiled(tuple(self.asked[number].rule.when for number in numbers)) for numbers in groups]
        paths = [path for part in parts for path in part.fields]
        self.fields = [*dict.fromkeys((*paths, *(path for asked in self.asked for path in asked.fields_of_points)))]
        asks = [(numbers, part.ask) for numbers, part in zip(groups, parts, strict=True)]
        self._ask: Ask = parts[0].ask if len(parts) == 1 else partial(_ask_all, asks)

    def __str__(self) -> str:
        """Return how many there are of each kind."""
        kinds = Counter(asked.kind for asked in self.asked)
        counts = {"live": kinds["live"], "in shadow": kinds["shadow"], "candidates": kinds["candidate"]}
        return ", ".join(f"{count} {kind}" for kind, count in counts.items())

    def judge(self, transaction: Transaction, record_ms: int, lists: ListBook = NO_LISTS) -> Verdict:
        """Return what follows; `record_ms` is the record's timestamp in milliseconds since 1970. Never raises."""
        answers = self._ask(transaction, record_ms, lists)
        return self._verdict(transaction, record_ms, lists, answers) if answers else Verdict(transaction)

    def outcomes(self, transaction: Transaction, record_ms: int, lists: ListBook = NO_LISTS) -> Sequence[bool | None]:
        """Return of each rule that is asked whether it hits, None where it is undecided; shares are left out of it."""
        answers = dict(self._ask(transaction, record_ms, lists))
        return [answers.get(number, False) for number in range(len(self.asked))]

    def said(self, transaction: Transaction, record_ms: int, lists: ListBook = NO_LISTS) -> Iterator[Said]:
        """Yield what each rule that is asked says, one by one."""
        for asked, outcome in zip(self.asked, self.outcomes(transaction, record_ms, lists), strict=True):
            word = _OUTCOMES[outcome] if asked.holds_for(transaction.source) else "not for this account"
            yield Said(asked.label, word, in_words(asked.values(transaction, record_ms, lists)))

    def _verdict(self, transaction: Transaction, record_ms: int, lists: ListBook, answers: Answers) -> Verdict:
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
                (hits if asked.is_live else shadow).append(asked.hit(transaction, record_ms, lists))
        # Tuples, because Python looks into lists again and again for what it can collect.
        return Verdict(transaction, tuple(hits), points_of(hits), tuple(shadow), tuple(undecided))


def asked_of(state: State) -> Sequence[AskedRule]:
    """Return the rules of a state that are not off, and behind them the candidates."""
    rules = [(name, held.rule) for name, held in state.items() if held.rule]
    candidates = [(name, held.candidate) for name, held in state.items() if held.candidate]
    asked = [_asked(name, rule) for name, rule in rules if rule.mode != "off"]
    return asked + [_asked(name, rule, is_candidate=True) for name, rule in candidates]


def _groups(rules: Sequence[AskedRule]) -> Sequence[Sequence[int]]:
    """Return the numbers of rules that are compiled together: where one comes or goes, it is only its own group's."""
    count = 1 << (len(rules) // _TOGETHER).bit_length()  # seldom another one
    groups: list[list[int]] = [[] for _ in range(count)]
    for number, rule in enumerate(rules):
        groups[crc32(rule.label.encode()) % count].append(number)
    return groups


_asked = lru_cache(maxsize=4 * MOST_RULES)(AskedRule)  # the next set of rules has nearly all of the last one's


@lru_cache(maxsize=128)
def _compiled(conditions: tuple[str, ...]) -> Part:
    """Compile conditions, once: where one rule has changed, all but one part of the next set are those of the last."""
    scope = Scope()
    trees = [translate(condition, scope).tree for condition in conditions]
    statements = [
        statement(f"if (saw := X) is not False: found = (*found, ({number}, saw))", X=tree)
        for number, tree in enumerate(trees)
    ]
    return Part(function(scope, statements), scope.fields)


def _ask_all(
    asks: Sequence[tuple[Sequence[int], Ask]], transaction: Transaction, record_ms: int, lists: ListBook
) -> Answers:
    answers = [
        (numbers[number], answer) for numbers, ask in asks for number, answer in ask(transaction, record_ms, lists)
    ]
    return sorted(answers) if answers else answers
