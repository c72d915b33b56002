"""The time from a transaction's making to its visibility on `fraud`, at several paces.

The clock is read by the process that makes it, and by this one when it has the record; the same way without a detector
in between is measured too, as "the harness alone".
"""

import statistics
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer

from benchmarks import cluster, filling, results, runs
from benchmarks.chart import Bar
from benchmarks.contenders import BARE, DETECTORS, STREAMS, Contender, chosen
from benchmarks.measured import RunFailed, started
from benchmarks.progress import bar, say
from benchmarks.runs import Bench
from benchmarks.steady_producer import made_at
from tests.support.topics import Names, create_topics, unique_names

PACES = (100, 1_000, 5_000)
DROPPED_SECONDS = 3
SILENCE_SECONDS = 30.0
WAITING_RECORDS = 100
NANOSECONDS = 1_000_000_000
PRODUCER = Path(__file__).with_name("steady_producer.py")
ALONE = Contender("the harness alone", (), "")
HEADS = ("", "a second", "p50 ms", "p99 ms", "max ms", "records")
INCLUDED = (
    "From the making of a transaction, in a process of its own (librdkafka, linger 1 ms), to its arrival at a"
    " read_committed reader of fraud (librdkafka); the first 3 s of each pace come on top and are dropped."
)


class Latency(NamedTuple):
    """The latencies at one pace, in milliseconds."""

    contender: str
    per_second: int
    p50: float
    p99: float
    most: float
    records: int


def measure(bench: Bench, options: Namespace) -> bool:
    """Measure each contender at each pace; return whether nothing failed."""
    done: list[Latency] = []
    failures: list[str] = []
    for contender in (ALONE, *chosen((*DETECTORS, *BARE, STREAMS), options.only)):
        try:
            done += _at_all_paces(bench, contender, options.seconds)
        except RunFailed as failed:
            failures.append(f"{contender.name}: {failed}")
            say(failures[-1])
    _show(options, done, failures)
    return not failures


def _at_all_paces(bench: Bench, contender: Contender, seconds: int) -> Sequence[Latency]:
    names = unique_names()
    create_topics(bench.servers, *names.topics, partitions=bench.partitions)
    if contender is ALONE:
        names = names._replace(fraud=names.transactions)
    reader = cluster.open_quick_reader(bench.servers, [names.fraud], bench.partitions)
    settings = runs.settings_of(bench, contender, names)
    command = contender.command
    with started(command, settings, bench.directory) if command else nullcontext():
        written = filling.fill(filling.open_producer(bench.servers), names.transactions, WAITING_RECORDS)
        _read(reader, written.records if contender is ALONE else written.fraud, "starting")
        return [_at_pace(bench, contender, names, reader, (pace, DROPPED_SECONDS + seconds)) for pace in PACES]


def _at_pace(bench: Bench, contender: Contender, names: Names, reader: Consumer, length: tuple[int, int]) -> Latency:
    pace, seconds = length
    command = (sys.executable, str(PRODUCER), bench.servers, names.transactions, str(pace), str(seconds))
    expected = pace * seconds if contender is ALONE else pace * seconds // 2
    with started(command, {}, bench.directory):
        arrived = _read(reader, expected, f"{contender.name}, {pace:,} a second")
    latency = _latency(contender.name, pace, arrived)
    say(f"{contender.name}, {pace:,} a second: p50 {latency.p50:.1f} ms, p99 {latency.p99:.1f} ms")
    return latency


def _read(reader: Consumer, count: int, label: str) -> Sequence[tuple[int, bytes]]:
    """Return when each record arrived, with its value."""
    arrived: list[tuple[int, bytes]] = []
    heard_at = time.monotonic()
    with bar(label, count) as shown:
        while len(arrived) < count:
            message = reader.poll(1.0)
            now = time.monotonic_ns()
            if message is not None and message.error() is None:
                arrived.append((now, message.value() or b""))
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > SILENCE_SECONDS:
                raise RunFailed(f"{count - len(arrived):,} of {count:,} records did not arrive")
            if len(arrived) % 100 == 0:
                shown.update(len(arrived) - shown.n)
    return arrived


def _latency(contender: str, pace: int, arrived: Sequence[tuple[int, bytes]]) -> Latency:
    begin = min(made_at(value) for _, value in arrived) + DROPPED_SECONDS * NANOSECONDS
    milliseconds = [(at - made_at(value)) / 1e6 for at, value in arrived if made_at(value) >= begin]
    hundredths = statistics.quantiles(milliseconds, n=100)
    p50, p99, most = (round(each, 2) for each in (hundredths[49], hundredths[98], max(milliseconds)))
    return Latency(contender, pace, p50, p99, most, len(milliseconds))


def _show(options: Namespace, done: Sequence[Latency], failures: Sequence[str]) -> None:
    rows = [
        (
            each.contender,
            f"{each.per_second:,}",
            f"{each.p50:.1f}",
            f"{each.p99:.1f}",
            f"{each.most:.1f}",
            f"{each.records:,}",
        )
        for each in done
    ]
    print(results.table(HEADS, rows), INCLUDED, *failures, sep="\n\n")
    document: dict[str, Any] = {
        "settings": {"seconds": options.seconds, "paces": PACES},
        "included": INCLUDED,
        "runs": [each._asdict() for each in done],
        "failures": failures,
    }
    title = "From making to visible on fraud, ms: p50, and the line to p99"
    results.write(options.output, "latency", document, title, [_bar(each) for each in done])


def _bar(each: Latency) -> Bar:
    label = f"{each.contender}, {each.per_second:,}/s"
    return Bar(label, each.p50, each.p50, each.p99, f"{each.p50:.1f}, p99 {each.p99:.1f}")
