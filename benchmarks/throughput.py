"""How many records a second a detector routes, and what that costs, beside its peers on the same topic."""

from argparse import Namespace

from benchmarks import cluster, filling, rates, runs
from benchmarks.contenders import BARE, DETECTORS, FRAMEWORKS, chosen
from benchmarks.progress import say
from benchmarks.runs import Bench, Run
from tests.support.topics import create_topics, unique_names

WARM_UP_RECORDS = 100_000


def measure(bench: Bench, options: Namespace) -> bool:
    """Run every contender in every round; return whether all runs count."""
    contenders = chosen((*DETECTORS, *BARE, *FRAMEWORKS), options.only)
    topic = unique_names().transactions
    create_topics(bench.servers, topic, partitions=bench.partitions)
    written = filling.fill(filling.open_producer(bench.servers), topic, options.records)
    done: list[Run] = []
    for number in range(options.rounds):
        # Who comes first finds the broker in another state: it is somebody else in each round.
        shift = number % len(contenders)
        for contender in contenders[shift:] + contenders[:shift]:
            run = runs.route_all(bench, contender, topic, written)
            runs.tell(run, f"round {number + 1} of {options.rounds}, {contender.name}")
            done.append(run)
    settings = {"records": options.records, "rounds": options.rounds, "partitions": bench.partitions}
    return rates.show(options.output, "throughput", "Routed, records a second", settings, done)


def warm_up(bench: Bench) -> None:
    """Let the broker's own code become fast before anybody is measured."""
    say("warming up the broker")
    topic = unique_names().transactions
    create_topics(bench.servers, topic, partitions=bench.partitions)
    written = filling.fill(filling.open_producer(bench.servers), topic, WARM_UP_RECORDS)
    runs.route_all(bench, BARE[0], topic, written)
    cluster.delete_topics(bench.admin, [topic])
