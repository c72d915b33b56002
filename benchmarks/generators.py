"""How many transactions a second the generator sends, without a pace, with both clients."""

from argparse import Namespace
from functools import partial

from benchmarks import cluster, rates, runs
from benchmarks.contenders import GENERATORS, Contender, chosen
from benchmarks.measured import RunFailed, started
from benchmarks.runs import Bench, Run
from tests.support.topics import Names, create_topics, unique_names

END_SECONDS = 30
GUARANTEE = "no loss, no doubles while it lives"


def measure(bench: Bench, options: Namespace) -> bool:
    """Run the generator with each client in every round; return whether all runs count."""
    done: list[Run] = []
    for number in range(options.rounds):
        for contender in chosen(GENERATORS, options.only):
            run = _generate(bench, contender._replace(guarantee=GUARANTEE), options.records)
            runs.tell(run, f"round {number + 1} of {options.rounds}, {contender.name}")
            done.append(run)
    settings = {"records": options.records, "rounds": options.rounds, "partitions": bench.partitions}
    return rates.show(options.output, "generator", "Generated, records a second", settings, done)


def _generate(bench: Bench, contender: Contender, records: int) -> Run:
    names = unique_names()
    create_topics(bench.servers, *names.topics, partitions=bench.partitions)
    try:
        return _timed(bench, contender, names, records)
    except RunFailed as failed:
        return Run(contender.name, contender.guarantee, failure=str(failed))
    finally:
        cluster.delete_topics(bench.admin, names.topics)


def _timed(bench: Bench, contender: Contender, names: Names, records: int) -> Run:
    settings = runs.settings_of(bench, contender, names)
    unpaced = {"TRANSACTIONS_PER_SECOND": "0", "TRANSACTION_COUNT": str(records)}
    watcher = cluster.open_watcher(bench.servers)
    done = partial(cluster.written_so_far, watcher, [names.transactions], bench.partitions)
    with started(contender.command, {**settings, **unpaced}, bench.directory) as generator:
        rate = runs.records_per_second(done, records, [generator], contender.name)
        if generator.process.is_running_after(END_SECONDS):
            raise RunFailed(f"it did not end within {END_SECONDS} s")
    if done() != records:
        raise RunFailed(f"of {records:,} transactions it wrote {done():,}")
    return runs.result(contender, rate, [generator], records)
