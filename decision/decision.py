"""How records are judged at this moment: by the rules and lists in force, and by rules of code."""

from collections.abc import Sequence
from typing import Protocol

from decision.code_rules import CodeRule, with_code_rules
from decision.lists import ListBook
from decision.provenance import Basis, DecisionSettings, Source
from decision.rulebook import RuleBook, State, with_defaults
from decision.ruleset import RuleSet
from decision.verdict import Verdict
from payments.reading import Placed, TransactionReader
from runtime.users_code import file_digest


class Record(Placed, Protocol):
    """A record of the input."""

    @property
    def value(self) -> bytes | None:
        """Its value."""

    @property
    def timestamp(self) -> int:
        """Its time, in milliseconds since the epoch."""


class Decision:
    """Reads and judges records. The rules change while it is used, always between two of them.

    `keeps_json` where transactions are asked for fields that no rule names.
    """

    def __init__(self, settings: DecisionSettings, code_rules: Sequence[CodeRule], *, keeps_json: bool = False) -> None:
        self._mapping = settings.mapping
        self._texts = settings.as_texts()
        self.code_rules = code_rules
        self._keeps_json = keeps_json or bool(code_rules)
        self._sources = [Source(rule.name, file_digest(rule.check)) for rule in code_rules]
        self._defaults = settings.defaults
        self._held: State | None = None
        self.take_up(RuleBook(), ListBook())

    def take_up(self, book: RuleBook, lists: ListBook) -> None:
        """Judge by the rules in a book from now on; where it has none over the threshold, by that of the settings.

        The lists may change at any time: take them up again then, so that `basis` says so.
        """
        if book.held is not self._held:
            self._compile(book.held)
        self._lists = lists
        self.basis = Basis(self._texts, self._sources, book.reading, lists.reading)

    def _compile(self, held: State) -> None:
        self._held = held
        self.rules = RuleSet(with_defaults(held, self._defaults))
        fields = self.rules.fields
        keeps_json = self._keeps_json or bool(fields)
        self._reader = TransactionReader(self._mapping, wanted=fields, keeps_json=keeps_json)

    def judge(self, record: Record) -> Verdict:
        """Return the verdict on a record. Raises InvalidTransaction where it is not a transaction."""
        transaction = self._reader.read(record.value, record)
        verdict = self.rules.judge(transaction, record.timestamp, self._lists)
        return with_code_rules(verdict, self.code_rules) if self.code_rules else verdict
