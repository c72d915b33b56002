"""What a mapping of the fields costs, and one more field that a rule asks for: CPU of pairs of runs, in one run."""

import json
import math
import statistics
from argparse import Namespace
from collections.abc import Mapping, Sequence

from benchmarks import filling, results, runs
from benchmarks.contenders import DETECTORS, Contender, chosen
from benchmarks.filling import Shape, Written
from benchmarks.runs import Bench
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from tests.support.shapes import SHAPES
from tests.support.topics import create_topics, unique_names

MOST_MORE = {"a mapping": 1.05, "one more field": 1.10}
HEADS = ("", "costs", "CPU, median ratio", "least", "most")
READER = TransactionReader(DEFAULT_MAPPING)
FIRST_TIME = 1_790_000_000_000
MAPPED = SHAPES["a company's own"].settings
MORE = {"country": "DE", "device": {"ip": "192.0.2.7", "os": "android"}}
WITHOUT, WITH = (
    {**MAPPED, "FRAUD_RULES": f"benchmarks.field_rules:{rule}"} for rule in ("asks_nothing", "asks_country")
)

Filled = tuple[str, Written]
Pair = tuple[tuple[Filled, Mapping[str, str]], tuple[Filled, Mapping[str, str]]]


def measure(bench: Bench, options: Namespace) -> bool:
    """Run each detector in pairs, as many as there are rounds; return whether the medians are within the aims."""
    plain, mapped = (_filled(bench, shape, options.records) for shape in (_plain, _mapped))
    pairs = {
        "a mapping": ((plain, {}), (mapped, MAPPED)),
        "one more field": ((mapped, WITHOUT), (mapped, WITH)),
    }
    rows = []
    for contender in chosen(DETECTORS, options.only):
        for name, pair in pairs.items():
            ratios = [_ratio(bench, contender, pair, f"{name}, pair {n + 1}", n) for n in range(options.rounds)]
            rows.append((contender.name, name, ratios))
    print(results.table(HEADS, [_cells(*row) for row in rows]))
    return all(statistics.median(ratios) <= MOST_MORE[name] for _, name, ratios in rows)


def _filled(bench: Bench, shape: Shape, records: int) -> Filled:
    topic = unique_names().transactions
    create_topics(bench.servers, topic, partitions=bench.partitions)
    return topic, filling.fill(filling.open_producer(bench.servers), topic, records, shape)


def _plain(_number: int, value: bytes) -> bytes:
    """Return the same transaction with more fields."""
    return b"%s,%s" % (value.removesuffix(b"}"), json.dumps(MORE, separators=(",", ":")).encode().removeprefix(b"{"))


def _mapped(number: int, value: bytes) -> bytes:
    """Return the same transaction and fields in the shape of MAPPED."""
    paid = READER.read(value)
    identities = {"tx_id": paid.id, "card_id": paid.source, "merchant_id": paid.target, "currency": paid.currency}
    cents = int(paid.amount * 100)
    fields = {**identities, "amount_cents": cents, "ts": FIRST_TIME + number, **MORE}
    return json.dumps(fields, separators=(",", ":")).encode()


def _ratio(bench: Bench, contender: Contender, pair: Pair, label: str, number: int) -> float:
    """Run both of a pair, the second first in every other one; return the second's CPU by the first's."""
    costs = [0.0, 0.0]
    for which in (0, 1) if number % 2 == 0 else (1, 0):
        (topic, written), settings = pair[which]
        run = runs.route_all(bench, contender._replace(settings={**contender.settings, **settings}), topic, written)
        runs.tell(run, f"{label}, {contender.name}, {'without' if which == 0 else 'with'}")
        costs[which] = math.nan if run.failure else run.cpu_seconds_per_million
    return costs[1] / costs[0]


def _cells(name: str, what: str, ratios: Sequence[float]) -> Sequence[str]:
    return name, what, *(f"{ratio:.3f}" for ratio in (statistics.median(ratios), min(ratios), max(ratios)))
