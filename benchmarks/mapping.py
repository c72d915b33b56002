"""What a mapping of the fields costs, and one more field that a rule asks for: CPU of pairs of runs, in one run."""

import json
import statistics
from argparse import Namespace
from collections.abc import Sequence

from benchmarks import filling, results
from benchmarks.contenders import DETECTORS, chosen
from benchmarks.filling import Shape, Written
from benchmarks.pairs import Side, run_pairs
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


def measure(bench: Bench, options: Namespace) -> bool:
    """Run each detector in pairs, as many as there are rounds; return whether the medians are within the aims."""
    plain, mapped = (_filled(bench, shape, options.records) for shape in (_plain, _mapped))
    pairs = {
        "a mapping": (Side(*plain, {}), Side(*mapped, MAPPED)),
        "one more field": (Side(*mapped, WITHOUT), Side(*mapped, WITH)),
    }
    rows = []
    for contender in chosen(DETECTORS, options.only):
        for name, pair in pairs.items():
            costs = run_pairs(bench, contender, pair, name, options.rounds)
            rows.append((contender.name, name, [each.ratio for each in costs]))
    print(results.table(HEADS, [_cells(*row) for row in rows]))
    return all(statistics.median(ratios) <= MOST_MORE[name] for _, name, ratios in rows)


def _filled(bench: Bench, shape: Shape, records: int) -> tuple[str, Written]:
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


def _cells(name: str, what: str, ratios: Sequence[float]) -> Sequence[str]:
    return name, what, *(f"{ratio:.3f}" for ratio in (statistics.median(ratios), min(ratios), max(ratios)))
