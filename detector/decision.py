"""How records are judged at this moment: by the rules in force, and by those of code."""

from collections.abc import Sequence
from decimal import Decimal

from decision.asked_rule import THRESHOLD_RULE, threshold_rule
from decision.rulebook import RuleBook, with_defaults
from decision.ruleset import RuleSet
from decision.verdict import Verdict
from detector.code_rules import CodeRule, with_code_rules
from messaging.batch import Record
from payments.mapping import FieldMapping
from payments.reading import TransactionReader


class Decision:
    """Reads and judges records. The rules change while it is used, always between two of them.

    `keeps_json` where transactions are asked for fields that no rule names.
    """

    def __init__(
        self, mapping: FieldMapping, threshold: Decimal, code_rules: Sequence[CodeRule], *, keeps_json: bool = False
    ) -> None:
        self._keeps_json = keeps_json or bool(code_rules)
        self._defaults = {THRESHOLD_RULE: threshold_rule(threshold)}
        self._mapping = mapping
        self.code_rules = code_rules
        self.take_up(RuleBook())

    def take_up(self, book: RuleBook) -> None:
        """Judge by the rules in a book from now on; where it has none over the threshold, by that of the settings."""
        self.rules = RuleSet(with_defaults(book.held, self._defaults))
        fields = self.rules.fields
        self._reader = TransactionReader(self._mapping, wanted=fields, keeps_json=self._keeps_json or bool(fields))

    def judge(self, record: Record) -> Verdict:
        """Return the verdict on a record. Raises InvalidTransaction where it is not a transaction."""
        transaction = self._reader.read(record.value, record)
        verdict = self.rules.judge(transaction, record.timestamp)
        return with_code_rules(verdict, self.code_rules) if self.code_rules else verdict
