"""What an audit takes that judges everything anew, where rules have changed all the time; and conservation alone."""

import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from benchmarks import filling, results, runs
from benchmarks.contenders import DETECTORS, EXACTLY_ONCE, Contender
from benchmarks.measured import Measured, RunFailed, started
from benchmarks.progress import say
from benchmarks.runs import Bench
from tests.support.change_sets import change_message
from tests.support.group_offsets import GroupOffsets
from tests.support.topics import Names, create_topics, unique_names, write

RULES, CHANGES = 10, 50
MOST_SECONDS = 300.0  # for a million transactions
MOST_WAIT_SECONDS = 3_600
PATIENCE_SECONDS = 30
HEADS = ("", "transactions", "versions of rules", "seconds", "CPU s", "MB")
AUDITS: Mapping[str, Sequence[str]] = {"audit": (), "audit --conservation": ("--conservation",)}


class Took(NamedTuple):
    """What an audit took."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def measure(bench: Bench, options: Namespace) -> bool:
    """Let a detector judge while rules change, then audit; return whether that is as quick as is aimed at."""
    names = unique_names()
    create_topics(bench.servers, *names.topics, partitions=bench.partitions)
    create_topics(bench.servers, names.rules, names.lists, partitions=1, settings={"retention.ms": "-1"})
    _judge(bench, names, options.records)
    audits = {name: _audit(bench, names, name, arguments) for name, arguments in AUDITS.items()}
    rows = [(name, f"{options.records:,}", str(CHANGES), *(f"{n:,.1f}" for n in took)) for name, took in audits.items()]
    print(results.table(HEADS, rows))
    most: float = MOST_SECONDS * options.records / runs.MILLION
    return audits["audit"].seconds <= most


def _judge(bench: Bench, names: Names, records: int) -> None:
    """Let a detector judge as many records by each version of the rules."""
    producer = filling.open_producer(bench.servers)
    contender = DETECTORS[0]
    settings = runs.settings_of(bench, contender, names)
    write(bench.servers, [change_message(names.rules, *_rules())])
    with (
        closing(GroupOffsets(bench.servers, names, bench.partitions)) as group,
        started(contender.command, settings, bench.directory) as detector,
    ):
        for version in range(1, CHANGES + 1):
            detector.process.wait_for_line(f"rules: version {version} in force", PATIENCE_SECONDS)
            filling.fill(producer, names.transactions, records // CHANGES)
            group.wait_until_judged(group.ends())
            change = {"name": "r0", "base": version, "rule": {"when": f"amount > {900 + version} and amount > 1"}}
            write(bench.servers, [change_message(names.rules, change)])
        say(f"judged {records:,} transactions by {CHANGES} versions of {RULES} rules")


def _rules() -> Iterator[Mapping[str, Any]]:
    """Yield the first ten rules; some hit, alone or together, and some are in shadow."""
    for number in range(RULES):
        when = f'amount > {980 - 7 * number} and currency == "USD" and not (field["country"] in {{"NG", "RU"}})'
        rule = {"when": when if number % 2 else f"amount > {990 - number}", "mode": "live" if number % 3 else "shadow"}
        yield {"name": f"r{number}", "base": 0, "rule": {**rule, "points": str(20 + 20 * number)}}


def _audit(bench: Bench, names: Names, name: str, arguments: Sequence[str]) -> Took:
    contender = Contender(name, (sys.executable, "-m", "audit", *arguments), EXACTLY_ONCE)
    began = time.monotonic()
    with started(contender.command, runs.settings_of(bench, contender, names), bench.directory) as audit:
        _wait_for_end(audit)
    took = Took(time.monotonic() - began, audit.process.cpu_seconds, audit.peak_megabytes)
    say(f"{name}: {took.seconds:.1f} s")
    return took


def _wait_for_end(audit: Measured) -> None:
    deadline = time.monotonic() + MOST_WAIT_SECONDS
    while audit.process.is_running_after(0.1):
        audit.look()
        if time.monotonic() > deadline:
            raise RunFailed(f"no end within {MOST_WAIT_SECONDS} s: {audit.last_lines()}")
    if audit.process.exit_code != 0 or not any("audit passed" in line for line in audit.process.lines):
        raise RunFailed(f"exit code {audit.process.exit_code}: {audit.last_lines()}")
    if any("cannot be checked" in line for line in audit.process.lines):
        raise RunFailed(audit.last_lines())
