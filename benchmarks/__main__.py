"""`scripts/bench`: measure the services and their peers on an embedded Kafka."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import bad_input, cluster, generators, latency, mapping, replay, rules, scale, start, throughput
from benchmarks.runs import Bench
from embedded_kafka import EmbeddedKafka
from tests.support.long_run import exit_code

RESULTS = Path(__file__).parent / "results"
# The files of a finished run are gone soon: all of them together would fill a disk.
BROKER = {"log.segment.delete.delay.ms": "1000"}
NUMBERS = {
    "records": (1_000_000, "records of a run"),
    "rounds": (3, "runs of each contender, in turns"),
    "seconds": (20, "length of a run that is no amount of work"),
    "partitions": (4, "partitions of each topic"),
}
AMOUNTS = ("records", "rounds", "partitions")
MEASUREMENTS = {
    "throughput": (throughput.measure, AMOUNTS, "how many records a second are routed, beside the peers (the default)"),
    "latency": (
        latency.measure,
        ("seconds", "partitions"),
        "the time from a transaction's making to its visibility on fraud, at 100, 1,000 and 5,000 a second",
    ),
    "generator": (generators.measure, AMOUNTS, "how many transactions a second the generator sends"),
    "scale": (scale.measure, AMOUNTS, "1, 2 and 4 detectors on one topic"),
    "bad-input": (
        bad_input.measure,
        AMOUNTS,
        "how much longer input takes of which nothing is a transaction, with and without a line for each verdict",
    ),
    "mapping": (
        mapping.measure,
        AMOUNTS,
        "what a mapping of the fields costs, and a field that a rule asks for (9 --rounds are enough to tell)",
    ),
    "rules": (
        rules.measure,
        AMOUNTS,
        "what 20 and 500 rules cost, and how soon a changed one is in force (9 --rounds are enough to tell)",
    ),
    "replay": (
        replay.measure,
        ("records", "partitions"),
        "what an audit takes of transactions that were judged by ten rules and 50 versions of them",
    ),
    "start": (
        start.measure,
        ("rounds", "seconds", "partitions"),
        "the time from a detector's start to its first verdict, and what it costs idle",
    ),
}


def main() -> int:
    """Return the exit code: 0, 1 when a run failed, 130 after Ctrl-C."""
    options = _parser().parse_args(_with_measurement(sys.argv[1:]))
    return exit_code(partial(_measure, options))


def _measure(options: argparse.Namespace) -> bool:
    measure, _, _ = MEASUREMENTS[options.measurement]
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, EmbeddedKafka(properties=BROKER) as kafka:
        admin = cluster.open_admin(kafka.bootstrap_servers)
        bench = Bench(kafka.bootstrap_servers, admin, options.partitions, Path(directory))
        throughput.warm_up(bench)
        return measure(bench, options)


def _with_measurement(arguments: Sequence[str]) -> Sequence[str]:
    named = arguments and (arguments[0] in ("-h", "--help") or not arguments[0].startswith("-"))
    return arguments if named else ["throughput", *arguments]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/bench", description=__doc__)
    measurements = parser.add_subparsers(dest="measurement", required=True)
    for name, (_, numbers, explanation) in MEASUREMENTS.items():
        _add_options(measurements.add_parser(name, help=explanation, description=explanation), numbers)
    return parser


def _add_options(parser: argparse.ArgumentParser, numbers: Sequence[str]) -> None:
    for name in numbers:
        default, explanation = NUMBERS[name]
        what = f"{explanation} ({default:,})"
        parser.add_argument(f"--{name}", type=_from_one, default=default, metavar="N", help=what)
    parser.add_argument("--only", default="", metavar="TEXT", help="only those with this in their name")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="DIR", help="where the files go")


def _from_one(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a number from 1, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
