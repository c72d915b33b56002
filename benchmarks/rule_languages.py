"""What rules cost in our language and in libraries for expressions, and what they say where a field is missing.

    scripts/bench rule-languages

Each asks 1 and 20 rules about one transaction whose amount is a Decimal, over and over; none of them hits.
"""

import timeit
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import cel
import evalidate
import msgspec
import rule_engine
import simpleeval

from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.verdict import Verdict
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader

ROUNDS = 7
MICROSECONDS = 1e6
Ask = Callable[[], Sequence[Any]]
ENCODER = msgspec.json.Encoder(decimal_format="number")
PAID = {"amount": Decimal("812.10"), "country": "NG", "missing": None, "flag": True}
PROBES = {
    "exact": ("amount > 900", {**PAID, "amount": Decimal("900.00000000000000000000001")}),
    "None > 5": ("missing > 5", PAID),
    "not (None > 5)": ("not (missing > 5)", PAID),
    "text > 5": ("country > 5", PAID),
    "true > 0": ("flag > 0", PAID),
    "1e40 % 100": ("amount % 100 > 5", {**PAID, "amount": Decimal("1e40")}),
}


class Language(NamedTuple):
    """A language; `prepare` returns what asks expressions, which are the same in all of them, about a transaction."""

    name: str
    prepare: Callable[[Sequence[str], Mapping[str, Any]], Ask]


def main() -> None:
    """Print the table."""
    print("| | 1 rule, µs | 20 rules, µs |", " | ".join(PROBES), "|")
    print("|---|" + "---:|" * 2 + "---|" * len(PROBES))
    for language in LANGUAGES:
        costs = [f"{_microseconds(language.prepare(_simple(count), PAID)):.1f}" for count in (1, 20)]
        answers = [_answer(language, *probe) for probe in PROBES.values()]
        print("|", " | ".join([language.name, *costs, *answers]), "|", flush=True)


def _simple(count: int) -> Sequence[str]:
    """Return half of them about the amount, half about a field."""
    return [f"amount > {900 + n}" if n % 2 == 0 else f'country == "X{n}"' for n in range(count)]


def _microseconds(ask: Ask) -> float:
    timer = timeit.Timer(ask)
    number, _ = timer.autorange()
    return min(timer.repeat(ROUNDS, number)) / number * MICROSECONDS


def _answer(language: Language, expression: str, paid: Mapping[str, Any]) -> str:
    try:
        [answer] = language.prepare([expression], paid)()
    except Exception as error:  # noqa: BLE001 - that is the answer
        return type(error).__name__
    return str(answer)


def _ours(expressions: Sequence[str], paid: Mapping[str, Any]) -> Ask:
    for name in ("country", "missing", "flag"):
        expressions = [each.replace(name, f'field["{name}"]') for each in expressions]
    rules = RuleSet({each: Held(Rule(each)) for each in expressions})
    reader = TransactionReader(DEFAULT_MAPPING)
    value = ENCODER.encode({"id": "1", "source": "a", "target": "b", **paid})
    rules.judge(reader.read(value), 0)  # from the next one on, the fields that were asked for are decoded
    transaction = reader.read(value)
    return lambda: _answers(rules.judge(transaction, 0))


def _answers(verdict: Verdict) -> Sequence[Any]:
    return [*(True for _ in verdict.hits), *(None for _ in verdict.undecided)] or [False]


def _evalidate(expressions: Sequence[str], paid: Mapping[str, Any]) -> Ask:
    model = evalidate.base_eval_model.clone()
    model.nodes.extend(["Mod", "BinOp", "Not", "UnaryOp"])
    codes = [evalidate.Expr(each, model=model).code for each in expressions]
    return lambda: [eval(code, {"__builtins__": {}}, dict(paid)) for code in codes]  # noqa: S307 - as its manual does


def _simpleeval(expressions: Sequence[str], paid: Mapping[str, Any]) -> Ask:
    evaluator = simpleeval.SimpleEval(names=dict(paid))
    trees = [(each, evaluator.parse(each)) for each in expressions]
    return lambda: [evaluator.eval(each, previously_parsed=tree) for each, tree in trees]


def _rule_engine(expressions: Sequence[str], paid: Mapping[str, Any]) -> Ask:
    rules = [rule_engine.Rule(each) for each in expressions]
    return lambda: [rule.evaluate(paid) for rule in rules]


def _cel(expressions: Sequence[str], paid: Mapping[str, Any]) -> Ask:
    return partial(_ask_cel, [cel.compile(each.replace("not ", "!")) for each in expressions], paid)


def _ask_cel(programs: Sequence[Any], paid: Mapping[str, Any]) -> Sequence[Any]:
    context = cel.Context({**paid, "amount": float(paid["amount"])})
    return [program.execute(context) for program in programs]


LANGUAGES = (
    Language("ours", _ours),
    Language("evalidate", _evalidate),
    Language("simpleeval", _simpleeval),
    Language("rule-engine", _rule_engine),
    Language("CEL (common-expression-language)", _cel),
)

if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
