"""`scripts/fuzz`: stream input of every form at the detector, audit what it makes of it, and watch its memory."""

import argparse
import contextlib
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from embedded_kafka import EmbeddedKafka
from messaging.settings import CLIENTS
from tests.fuzz.memory import is_flat
from tests.fuzz.records import large, strange, tiny
from tests.fuzz.run import FuzzTarget, Phase, PhaseResult, mapped_phase, run
from tests.support.brokers import IMPATIENT
from tests.support.long_run import exit_code, row

PHASES = (
    Phase("of every form", strange, 0.3, most=2_000_000),
    Phase("as large as the broker takes", large, 0.2, most=3_000),
    Phase("of 1 to 10 bytes", tiny, 0.2, most=5_000_000),
)
MAPPED_SHARE = 0.3
OFFENCES = ("lost", "doubled", "misrouted", "altered", "out of order", "foreign")
SECONDS = 200


def main() -> int:
    """Return the exit code: 0, 1 where something is lost, ends or grows, 130 after Ctrl-C."""
    options = _parser().parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    return exit_code(partial(fuzz, options))


def fuzz(options: argparse.Namespace) -> bool:
    """Run each phase for each client, print a row of the table for each, and return whether all is well."""
    print("| records | client | read | written |", " | ".join(OFFENCES), "| peak MB, first third | last third |")
    print("|---|---|" + "---:|" * (len(OFFENCES) + 4), flush=True)
    clients = [each for each in CLIENTS if options.client in (each, "both")]
    with EmbeddedKafka(properties=IMPATIENT) as kafka:
        servers = kafka.bootstrap_servers
        phases = (*PHASES, mapped_phase(random.Random(options.seed), MAPPED_SHARE, most=2_000_000))
        answers = [_run(phase, client, servers, options) for client in clients for phase in phases]
    return all(answers)


def _run(phase: Phase, client: str, servers: str, options: argparse.Namespace) -> bool:
    def work(directory: Path, step: Callable[[], object]) -> PhaseResult:
        return run(phase, FuzzTarget(servers, client, directory), options.seconds * phase.share, options.seed, step)

    return row(f"{phase.name}, {client}", work, partial(_show, phase, client))


def _show(phase: Phase, client: str, result: PhaseResult) -> bool:
    read, *written = list(result.counts.values())[:4]
    numbers = [read, sum(written), *(result.counts[name] for name in OFFENCES), *map(round, result.peaks)]
    print("|", " | ".join([phase.name, client, *(f"{number:,}" for number in numbers)]), "|", flush=True)
    grown = [] if is_flat(result.peaks) else ["the memory grows"]
    for problem in (*result.problems, *grown):
        print(f"  {problem}", file=sys.stderr)
    return not (result.problems or grown)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=SECONDS, metavar="N", help=f"of input for each client ({SECONDS})"
    )
    parser.add_argument("--client", choices=(*CLIENTS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="the same records again")
    return parser


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
