"""How long a detector takes from its process's start to its first verdict, and what it costs idle."""

import statistics
import time
from argparse import Namespace
from typing import Any, NamedTuple

import psutil
from confluent_kafka import Consumer

from benchmarks import cluster, filling, results, runs
from benchmarks.chart import Bar
from benchmarks.contenders import BARE, DETECTORS, STREAMS, Contender, chosen
from benchmarks.measured import MEGABYTE, Measured, RunFailed, started
from benchmarks.progress import bar, say
from benchmarks.runs import Bench
from tests.support.topics import create_topics, unique_names

WAITING_RECORDS = 10
FIRST_VERDICT_SECONDS = 60
SETTLE_SECONDS = 3
HEADS = ("", "first verdict s", "from", "to", "idle CPU %", "idle MB")
INCLUDED = (
    "first verdict: from the start of the process to the first committed record that a reader has, 10 records waiting,"
    " the broker up; median, least and most. Idle: its CPU share of one core and its resident memory, 3 s later."
)


class Start(NamedTuple):
    """What one start took, and the idle detector's share of a core in percent and its memory."""

    contender: str
    seconds: float
    idle_percent: float
    idle_megabytes: float


def measure(bench: Bench, options: Namespace) -> bool:
    """Start each contender in every round; return whether all of them came to a verdict."""
    contenders = chosen((*DETECTORS, *BARE, STREAMS), options.only)
    done: list[Start] = []
    failures: list[str] = []
    for _ in range(options.rounds):
        for contender in contenders:
            try:
                done.append(_start(bench, contender, options.seconds))
                say(f"{contender.name}: {done[-1].seconds:.2f} s")
            except RunFailed as failed:
                failures.append(f"{contender.name}: {failed}")
                say(failures[-1])
    _show(options, done, failures)
    return not failures


def _start(bench: Bench, contender: Contender, idle_seconds: int) -> Start:
    names = unique_names()
    create_topics(bench.servers, *names.topics, partitions=bench.partitions)
    filling.fill(filling.open_producer(bench.servers), names.transactions, WAITING_RECORDS)
    reader = cluster.open_quick_reader(bench.servers, names.outputs, bench.partitions)
    _read_to_ends(reader, len(names.outputs) * bench.partitions)
    began = time.monotonic()
    with started(contender.command, runs.settings_of(bench, contender, names), bench.directory) as detector:
        seconds = _first_record_at(reader, detector) - began
        reader.close()
        percent, megabytes = _idle(detector, idle_seconds, contender.name)
    return Start(contender.name, seconds, percent, megabytes)


def _read_to_ends(reader: Consumer, ends: int) -> None:
    while ends:
        message = reader.poll(cluster.READ_SECONDS)
        ends -= message is not None and cluster.is_end(message.error())


def _first_record_at(reader: Consumer, detector: Measured) -> float:
    deadline = time.monotonic() + FIRST_VERDICT_SECONDS
    while time.monotonic() < deadline:
        message = reader.poll(0.2)
        if message is not None and message.error() is None:
            return time.monotonic()
        detector.look()
    raise RunFailed(f"no verdict within {FIRST_VERDICT_SECONDS} s: {detector.last_lines()}")


def _idle(detector: Measured, seconds: int, name: str) -> tuple[float, float]:
    time.sleep(SETTLE_SECONDS)
    process = psutil.Process(detector.process.process_id)
    before = process.cpu_times()
    with bar(f"{name}, idle", seconds, " s") as shown:
        for _ in range(seconds):
            time.sleep(1)
            shown.update(1)
    after = process.cpu_times()
    detector.look()
    used = after.user + after.system - before.user - before.system
    return max(0.0, 100 * used / seconds), process.memory_info().rss / MEGABYTE


def _show(options: Namespace, done: list[Start], failures: list[str]) -> None:
    summaries = [
        _summary([each for each in done if each.contender == name]) for name in dict.fromkeys(s.contender for s in done)
    ]
    rows = [
        (
            s["contender"],
            *(f"{s[key]:.2f}" for key in ("median", "least", "most", "idle_percent")),
            f"{s['idle_megabytes']:.0f}",
        )
        for s in summaries
    ]
    print(results.table(HEADS, rows), INCLUDED, *failures, sep="\n\n")
    bars = [Bar(s["contender"], s["median"], s["least"], s["most"], f"{s['median']:.2f} s") for s in summaries]
    document = {
        "settings": {"rounds": options.rounds, "seconds": options.seconds},
        "included": INCLUDED,
        "summary": summaries,
        "runs": [each._asdict() for each in done],
        "failures": failures,
    }
    results.write(options.output, "start", document, "From start to first verdict", bars)


def _summary(starts: list[Start]) -> dict[str, Any]:
    seconds = [each.seconds for each in starts]
    return {
        "contender": starts[0].contender,
        "median": round(statistics.median(seconds), 3),
        "least": round(min(seconds), 3),
        "most": round(max(seconds), 3),
        "idle_percent": round(statistics.median(each.idle_percent for each in starts), 2),
        "idle_megabytes": round(statistics.median(each.idle_megabytes for each in starts), 1),
    }
