"""How much longer a detector takes for input of which nothing is a transaction than for transactions, in one run."""

import statistics
from argparse import Namespace
from collections.abc import Mapping, Sequence

from benchmarks import filling, results, runs
from benchmarks.contenders import DETECTORS, Contender, chosen
from benchmarks.filling import Written
from benchmarks.runs import Bench, Run
from tests.support.topics import create_topics, unique_names

MOST_TIMES_LONGER = 3.0
HEADS = ("", "LOG_TRANSACTIONS", "good, records/s", "bad, records/s", "times longer")
SHOWN = ("none", "all")
KINDS = {"good": filling.fill, "bad": filling.fill_with_bad_input}


def measure(bench: Bench, options: Namespace) -> bool:
    """Run each detector on both kinds in every round; return whether bad takes at most three times as long as good."""
    filled = {kind: _fill(bench, kind, options.records) for kind in KINDS}
    rows = [
        _row(contender, shown, _rates(bench, contender, shown, filled, options.rounds))
        for contender in chosen(DETECTORS, options.only)
        for shown in SHOWN
    ]
    print(results.table(HEADS, [cells for cells, _ in rows]))
    return all(times <= MOST_TIMES_LONGER for _, times in rows)


def _fill(bench: Bench, kind: str, records: int) -> tuple[str, Written]:
    topic = unique_names().transactions
    create_topics(bench.servers, topic, partitions=bench.partitions)
    return topic, KINDS[kind](filling.open_producer(bench.servers), topic, records)


def _rates(
    bench: Bench, contender: Contender, shown: str, filled: Mapping[str, tuple[str, Written]], rounds: int
) -> Mapping[str, float]:
    """Return the median of each kind's runs, in records a second, 0 where one failed."""
    logging = contender._replace(settings={**contender.settings, "LOG_TRANSACTIONS": shown})
    done: dict[str, list[Run]] = {kind: [] for kind in filled}
    for number in range(rounds):
        for kind, (topic, written) in filled.items():
            run = runs.route_all(bench, logging, topic, written)
            runs.tell(run, f"round {number + 1} of {rounds}, {contender.name}, {kind}, LOG_TRANSACTIONS={shown}")
            done[kind].append(run)
    return {kind: _median(kind_done) for kind, kind_done in done.items()}


def _median(done: Sequence[Run]) -> float:
    return 0.0 if any(run.failure for run in done) else statistics.median(run.records_per_second for run in done)


def _row(contender: Contender, shown: str, rates: Mapping[str, float]) -> tuple[Sequence[str], float]:
    times = rates["good"] / rates["bad"] if all(rates.values()) else float("inf")
    return (contender.name, shown, *(f"{rate:,.0f}" for rate in rates.values()), f"{times:.2f}"), times
