"""`scripts/chaos`: stage faults under load, and audit what came of it."""

import argparse
import random
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from messaging.settings import CLIENTS
from tests.chaos.faults import FAULTS, TO_BE_CAUGHT, Fault
from tests.chaos.run import Outcome, Plan, open_scene, run
from tests.chaos.scene import Pace
from tests.chaos.stage import Stage, expect_alive, one_broker, three_brokers
from tests.support.long_run import exit_code, row
from tests.support.shared import Shared

RECOVERY_SECONDS = 15.0
FULL = Pace(per_second=2_000, cut_seconds=75.0, away_seconds=60.0, settings={})
SHORT = Pace(per_second=2_000, cut_seconds=12.0, away_seconds=10.0, settings={})
COLUMNS = ("transactions", "lost", "doubled", "misrouted", "altered", "out of order", "foreign")


def main() -> int:
    """Return the exit code: 0, 1 where something is lost, doubled or late, 130 after Ctrl-C."""
    options = _parser().parse_args()
    chosen = [fault for fault in (*FAULTS, TO_BE_CAUGHT) if re.search(options.only, fault.name)]
    print(f"seed {options.seed}", file=sys.stderr)
    return exit_code(partial(stage_all, chosen, options))


def stage_all(faults: Sequence[Fault], options: argparse.Namespace) -> bool:
    """Stage each fault for each client, print a row of the table for each, and return whether all is well."""
    print("| fault | client | times |", " | ".join(COLUMNS), "| slowest recovery |")
    print("|---|---|" + "---:|" * (len(COLUMNS) + 2), flush=True)
    answers = []
    for brokers, replicated in ((one_broker, False), (three_brokers, True)):
        staged = [fault for fault in faults if fault.is_replicated == replicated]
        if staged:
            with closing(Shared(brokers, expect_alive)) as stages:
                answers += [
                    _stage(stages, fault, client, options) for fault in staged for client in _clients(fault, options)
                ]
    return all(answers)


def _clients(fault: Fault, options: argparse.Namespace) -> Sequence[str]:
    can = CLIENTS if fault is not TO_BE_CAUGHT else CLIENTS[:1]
    return [client for client in can if options.client in (client, "both")]


def _stage(stages: Shared[Stage], fault: Fault, client: str, options: argparse.Namespace) -> bool:
    plan = Plan(fault.times_short) if options.short else Plan(fault.times, fault.transactions)
    pace = SHORT if options.short else FULL

    def work(directory: Path, step: Callable[[], object]) -> Outcome:
        with stages.lent() as stage, open_scene(stage, client, pace, options.seed, directory) as scene:
            return run(fault, plan, scene, step)

    return plan.times == 0 or row(f"{fault.name}, {client}", work, partial(_show, fault, client), plan.times)


def _show(fault: Fault, client: str, outcome: Outcome) -> bool:
    input_topic = next(iter(outcome.counts))
    numbers = [outcome.counts[input_topic], *(outcome.counts[name] for name in COLUMNS[1:])]
    cells = [fault.name, client, str(outcome.times), *(f"{number:,}" for number in numbers), f"{outcome.slowest:.1f} s"]
    print("|", " | ".join(cells), "|", flush=True)
    if fault is TO_BE_CAUGHT:
        return outcome.counts["doubled"] > 0
    late = [f"read on after {outcome.slowest:.1f} s"] if outcome.slowest > RECOVERY_SECONDS else []
    for problem in (*outcome.problems, *late):
        print(f"  {problem}", file=sys.stderr)
    return not (outcome.problems or late)


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
