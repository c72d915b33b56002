"""One run: a contender, or several, on a filled topic, timed from its first committed batch to its last."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka.admin import AdminClient

from benchmarks import cluster
from benchmarks.contenders import Contender
from benchmarks.filling import Written
from benchmarks.measured import Measured, RunFailed, started
from benchmarks.progress import bar, say
from tests.support.group_offsets import GroupOffsets
from tests.support.topics import Names, create_topics, unique_names

SAMPLE_SECONDS = 0.05
LONGEST_SILENCE_SECONDS = 60
MILLION = 1_000_000


class Bench(NamedTuple):
    """What every run needs: the broker, a client that asks it, the topics' partitions, a folder for scratch files."""

    servers: str
    admin: AdminClient
    partitions: int
    directory: Path


class Run(NamedTuple):
    """What was measured once. `failure` says why it does not count, and is empty otherwise."""

    contender: str
    guarantee: str
    records_per_second: float = 0.0
    cpu_seconds_per_million: float = 0.0
    peak_megabytes: float = 0.0
    failure: str = ""


def route_all(bench: Bench, contender: Contender, topic: str, written: Written) -> Run:
    """Let a contender route a filled topic, and check what it has written."""
    names = unique_names()._replace(transactions=topic)
    create_topics(bench.servers, *names.outputs, partitions=bench.partitions)
    try:
        return _route_all(bench, contender, names, written)
    except RunFailed as failed:
        return Run(contender.name, contender.guarantee, failure=str(failed))
    finally:
        cluster.delete_topics(bench.admin, names.outputs)


def settings_of(bench: Bench, contender: Contender, names: Names) -> dict[str, str]:
    """Return the whole environment of a contender."""
    return {"KAFKA_BOOTSTRAP_SERVERS": bench.servers, **names.settings(), **contender.settings}


def records_per_second(done: Callable[[], int], total: int, running: Sequence[Measured], label: str) -> float:
    """Watch a count grow to its total; return the rate from where it was first seen above 0 to its end."""
    with bar(label, total) as shown:
        first_at, first = _wait_until(lambda count: count > 0, done, running, shown)
        last_at, last = _wait_until(lambda count: count >= total, done, running, shown)
    if last == first:
        raise RunFailed("all of it was visible at once: it takes more --records to measure this")
    return (total - first) / (last_at - first_at)


def check_outputs(bench: Bench, contender: Contender, names: Names, written: Written) -> None:
    """Read back what is committed. Raises RunFailed where an exactly-once contender has lost or doubled records."""
    fraud = cluster.count_committed(bench.servers, names.fraud, bench.partitions)
    legit = cluster.count_committed(bench.servers, names.legit, bench.partitions)
    bad = cluster.count_committed(bench.servers, names.dead_letter, bench.partitions)
    found = Written(fraud + legit + bad, fraud, bad)
    if found != written:
        raise RunFailed(f"{contender.guarantee}, but of {written} it wrote {found}")


def result(contender: Contender, rate: float, ended: Sequence[Measured], records: int) -> Run:
    """Return the run of processes that have ended."""
    cpu_seconds = sum(each.process.cpu_seconds for each in ended) * MILLION / records
    peak = sum(each.peak_megabytes for each in ended)
    return Run(contender.name, contender.guarantee, rate, cpu_seconds, peak)


def tell(run: Run, label: str) -> None:
    """Say on stderr how a run went."""
    outcome = run.failure or f"{run.records_per_second:,.0f} records/s"
    say(f"{label}: {outcome}")


def _route_all(bench: Bench, contender: Contender, names: Names, written: Written) -> Run:
    settings = settings_of(bench, contender, names)
    watcher = cluster.open_watcher(bench.servers)
    with (
        closing(GroupOffsets(bench.servers, names, bench.partitions)) as group,
        started(contender.command, settings, bench.directory) as detector,
    ):
        written_so_far = partial(cluster.written_so_far, watcher, names.outputs, bench.partitions)
        done = group.committed if contender.commits_with_outputs else written_so_far
        rate = records_per_second(done, written.records, [detector], contender.name)
    check_outputs(bench, contender, names, written)
    return result(contender, rate, [detector], written.records)


def _wait_until(
    reached: Callable[[int], bool], done: Callable[[], int], running: Sequence[Measured], shown: Any
) -> tuple[float, int]:
    count, grew_at = 0, time.monotonic()
    while True:
        before, count = count, done()
        now = time.monotonic()
        shown.update(count - shown.n)
        if reached(count):
            return now, count
        grew_at = now if count > before else grew_at
        if now - grew_at > LONGEST_SILENCE_SECONDS:
            raise RunFailed(f"nothing came for {LONGEST_SILENCE_SECONDS} s: {running[0].last_lines()}")
        for each in running:
            each.look()
        time.sleep(SAMPLE_SECONDS)
