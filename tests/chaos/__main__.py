"""`scripts/chaos`: inject faults under load, and audit what came of it."""

import argparse
import random
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from messaging.settings import CLIENTS
from tests.chaos.experiment import Intensity
from tests.chaos.faults import FAULTS, TO_BE_CAUGHT, Fault
from tests.chaos.kafka_cluster import KafkaCluster, expect_alive, one_broker, three_brokers
from tests.chaos.run import ExperimentResult, Plan, open_experiment, run
from tests.support.long_run import exit_code, row
from tests.support.shared import Shared

RECOVERY_SECONDS = 15.0
FULL = Intensity(per_second=2_000, cut_seconds=75.0, away_seconds=60.0, settings={})
SHORT = Intensity(per_second=2_000, cut_seconds=12.0, away_seconds=10.0, settings={})
COLUMNS = ("transactions", "lost", "doubled", "misrouted", "altered", "out of order", "foreign")


def main() -> int:
    """Return the exit code: 0, 1 where something is lost, doubled or late, 130 after Ctrl-C."""
    options = _parser().parse_args()
    chosen = [fault for fault in (*FAULTS, TO_BE_CAUGHT) if re.search(options.only, fault.name)]
    print(f"seed {options.seed}", file=sys.stderr)
    return exit_code(partial(inject_all, chosen, options))


def inject_all(faults: Sequence[Fault], options: argparse.Namespace) -> bool:
    """Inject each fault for each client, print a row of the table for each, and return whether all is well."""
    print("| fault | client | times |", " | ".join(COLUMNS), "| slowest recovery |")
    print("|---|---|" + "---:|" * (len(COLUMNS) + 2), flush=True)
    answers = []
    for brokers, replicated in ((one_broker, False), (three_brokers, True)):
        wanted = [fault for fault in faults if fault.is_replicated == replicated]
        if wanted:
            with closing(Shared(brokers, expect_alive)) as clusters:
                answers += [
                    _inject(clusters, fault, client, options) for fault in wanted for client in _clients(fault, options)
                ]
    return all(answers)


def _clients(fault: Fault, options: argparse.Namespace) -> Sequence[str]:
    can = CLIENTS if fault is not TO_BE_CAUGHT else CLIENTS[:1]
    return [client for client in can if options.client in (client, "both")]


def _inject(clusters: Shared[KafkaCluster], fault: Fault, client: str, options: argparse.Namespace) -> bool:
    plan = Plan(fault.times_short) if options.short else Plan(fault.times, fault.transactions)
    intensity = SHORT if options.short else FULL

    def work(directory: Path, step: Callable[[], object]) -> ExperimentResult:
        with (
            clusters.lent() as cluster,
            open_experiment(cluster, client, intensity, options.seed, directory) as experiment,
        ):
            return run(fault, plan, experiment, step)

    return plan.times == 0 or row(f"{fault.name}, {client}", work, partial(_show, fault, client), plan.times)


def _show(fault: Fault, client: str, result: ExperimentResult) -> bool:
    input_topic = next(iter(result.counts))
    numbers = [result.counts[input_topic], *(result.counts[name] for name in COLUMNS[1:])]
    cells = [fault.name, client, str(result.times), *(f"{number:,}" for number in numbers), f"{result.slowest:.1f} s"]
    print("|", " | ".join(cells), "|", flush=True)
    if fault is TO_BE_CAUGHT:
        return result.counts["doubled"] > 0
    late = [f"read on after {result.slowest:.1f} s"] if result.slowest > RECOVERY_SECONDS else []
    for problem in (*result.problems, *late):
        print(f"  {problem}", file=sys.stderr)
    return not (result.problems or late)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="each fault a few times; all take 45 minutes a client")
    parser.add_argument("--client", choices=(*CLIENTS, "both"), default="both")
    parser.add_argument("--only", default="", metavar="REGEX", help="only faults whose name has this in it")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="the same random choices again")
    return parser


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
