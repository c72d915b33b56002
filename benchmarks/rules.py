"""What rules cost: CPU of pairs of runs, without them and with them; and how soon a changed one is in force."""

import random
import re
import statistics
import time
from argparse import Namespace
from collections.abc import Sequence

from benchmarks import filling, results, runs
from benchmarks.contenders import DETECTORS, Contender, chosen
from benchmarks.measured import Measured, RunFailed, started
from benchmarks.pairs import Costs, Side, run_pairs
from benchmarks.progress import say
from benchmarks.runs import Bench
from tests.support.change_sets import change_message
from tests.support.topics import create_topics, unique_names, write

SIMPLE, MANY = "20 rules", "500 rules"
SETS = {
    SIMPLE: [f"amount > {1_000 + n}" if n % 2 else f'currency == "X{n}"' for n in range(20)],
    MANY: [f'amount > {1_000 + n} and field["f{n % 20}"] in {{"NG", "RU"}} and currency != "USD"' for n in range(500)],
}
MOST_MORE = 4.0  # microseconds a transaction, for 20 simple rules
CHANGES = 20
TAKE_UP_SECONDS = 30
HEADS = ("", "rules", "CPU µs more, median", "least", "most", "in force after s, median", "least", "most")


def measure(bench: Bench, options: Namespace) -> bool:
    """Measure each detector with each set of rules; return whether 20 simple ones cost no more than the aim."""
    topic = unique_names().transactions
    create_topics(bench.servers, topic, partitions=bench.partitions)
    written = filling.fill(filling.open_producer(bench.servers), topic, options.records)
    rows = []
    for contender in chosen(DETECTORS, options.only):
        for name, expressions in SETS.items():
            rules = _written(bench, expressions)
            pair = Side(topic, written, {}), Side(topic, written, {"RULES_TOPIC": rules})
            costs = run_pairs(bench, contender, pair, name, options.rounds)
            rows.append((contender.name, name, costs, _take_ups(bench, contender, rules, len(expressions))))
    print(results.table(HEADS, [_cells(*row) for row in rows]))
    return all(_median_more(costs) <= MOST_MORE for _, name, costs, _ in rows if name == SIMPLE)


def _written(bench: Bench, expressions: Sequence[str]) -> str:
    """Return a topic of these rules, which never hit."""
    topic = unique_names().rules
    create_topics(bench.servers, topic, partitions=1, settings={"retention.ms": "-1"})
    changes = [{"name": f"r{n}", "base": 0, "rule": {"when": when}} for n, when in enumerate(expressions)]
    write(bench.servers, [change_message(topic, *changes)])
    return topic


def _take_ups(bench: Bench, contender: Contender, rules: str, count: int) -> Sequence[float]:
    """Change one of so many rules again and again, each at a random moment; return the seconds until it is in force."""
    names = unique_names()._replace(rules=rules)
    with started(contender.command, runs.settings_of(bench, contender, names), bench.directory) as detector:
        _wait_for(detector, "rules: version 1 in force")
        seconds = []
        versions = [1] * count
        for version in range(2, CHANGES + 2):
            changed = random.randrange(count)
            change = {"name": f"r{changed}", "base": versions[changed], "rule": {"when": f"amount > {2_000 + version}"}}
            time.sleep(1 + random.random())  # at any moment of the second in which it could be taken up
            write(bench.servers, [change_message(rules, change)])
            begin, versions[changed] = time.monotonic(), version
            _wait_for(detector, f"rules: version {version} in force")
            seconds.append(time.monotonic() - begin)
    say(f"{contender.name}, {count} rules: in force after {statistics.median(seconds):.2f} s")
    return seconds


def _wait_for(detector: Measured, pattern: str) -> None:
    deadline = time.monotonic() + TAKE_UP_SECONDS
    while not any(re.search(pattern, line) for line in detector.process.lines):
        detector.look()
        if time.monotonic() > deadline:
            raise RunFailed(f"no {pattern!r} within {TAKE_UP_SECONDS} s: {detector.last_lines()}")
        time.sleep(0.005)


def _median_more(costs: Sequence[Costs]) -> float:
    return statistics.median(each.more for each in costs)


def _cells(name: str, rules: str, costs: Sequence[Costs], take_ups: Sequence[float]) -> Sequence[str]:
    more = [each.more for each in costs]
    measured = (_median_more(costs), min(more), max(more)), (statistics.median(take_ups), min(take_ups), max(take_ups))
    return name, rules, *(f"{number:.2f}" for numbers in measured for number in numbers)
