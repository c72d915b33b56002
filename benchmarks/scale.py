"""How much 2 and 4 detectors route that share one topic, beside one.

The topic is filled in one Kafka transaction, which is committed when all of the group's members have their partitions:
so they begin together, and no rebalance is measured.
"""

import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack, closing

from benchmarks import cluster, filling, rates, runs
from benchmarks.contenders import DETECTORS, Contender, chosen
from benchmarks.measured import Measured, RunFailed, started
from benchmarks.runs import Bench, Run
from tests.support.group_offsets import GroupOffsets
from tests.support.topics import Names, create_topics, unique_names

COUNTS = (1, 2, 4)
GROUP_SECONDS = 60


def measure(bench: Bench, options: Namespace) -> bool:
    """Run 1, 2 and 4 detectors with each client in every round; return whether all runs count."""
    done: list[Run] = []
    for number in range(options.rounds):
        for contender in chosen(DETECTORS, options.only):
            for count in COUNTS:
                run = _share(bench, contender._replace(name=f"{contender.name} x {count}"), count, options.records)
                runs.tell(run, f"round {number + 1} of {options.rounds}, {run.contender}")
                done.append(run)
    settings = {"records": options.records, "rounds": options.rounds, "partitions": bench.partitions}
    return rates.show(options.output, "scale", "Routed by 1, 2 and 4 detectors, records a second", settings, done)


def _share(bench: Bench, contender: Contender, count: int, records: int) -> Run:
    names = unique_names()
    create_topics(bench.servers, *names.topics, partitions=bench.partitions)
    try:
        return _timed(bench, contender, names, count, records)
    except RunFailed as failed:
        return Run(contender.name, contender.guarantee, failure=str(failed))
    finally:
        cluster.delete_topics(bench.admin, names.topics)


def _timed(bench: Bench, contender: Contender, names: Names, count: int, records: int) -> Run:
    producer = filling.open_transactional_producer(bench.servers)
    written = filling.fill(producer, names.transactions, records)
    settings = runs.settings_of(bench, contender, names)
    with ExitStack() as stack:
        group = stack.enter_context(closing(GroupOffsets(bench.servers, names, bench.partitions)))
        detectors = [stack.enter_context(started(contender.command, settings, bench.directory)) for _ in range(count)]
        _wait_for_members(bench, names.group, detectors)
        producer.commit_transaction()
        rate = runs.records_per_second(group.committed, records, detectors, contender.name)
    runs.check_outputs(bench, contender, names, written)
    return runs.result(contender, rate, detectors, records)


def _wait_for_members(bench: Bench, group: str, detectors: Sequence[Measured]) -> None:
    deadline = time.monotonic() + GROUP_SECONDS
    while cluster.partitions_shared(bench.admin, group) != (len(detectors), bench.partitions):
        if time.monotonic() > deadline:
            raise RunFailed(f"the group was not complete within {GROUP_SECONDS} s")
        for detector in detectors:
            detector.look()
        time.sleep(runs.SAMPLE_SECONDS)
