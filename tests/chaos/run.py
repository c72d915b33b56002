"""One fault, again and again, under load; then the check of what came of it."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.chaos.experiment import Experiment, Intensity
from tests.chaos.faults import ASSIGNED, Fault
from tests.chaos.kafka_cluster import KafkaCluster

_START_SECONDS = 20.0
_SECONDS_BETWEEN_LOOKS = 1.0


class ExperimentResult(NamedTuple):
    """What came of it: how often it happened, the auditor's counts, the longest recovery, and every problem."""

    times: int
    counts: Mapping[str, int]
    slowest: float
    problems: Sequence[str]


class Plan(NamedTuple):
    """How often a fault is injected, and how many transactions there are at least."""

    times: int
    transactions: int = 0


def run(
    fault: Fault, plan: Plan, experiment: Experiment, happened: Callable[[], object] = lambda: None
) -> ExperimentResult:
    """Inject a fault so many times, and return what came of it. Raises AssertionError where it does not go on."""
    cluster = experiment.cluster
    experiment.begin(**fault.generator)
    for number in range(fault.detectors):
        servers = cluster.servers_behind_proxy if fault.is_cut and number == 0 else cluster.servers
        experiment.start_detector(fault.module, FRAUD_RULES=fault.rules, KAFKA_BOOTSTRAP_SERVERS=servers)
    for detector in experiment.detectors:
        detector.wait_for_line(ASSIGNED, _START_SECONDS)
    for _ in range(plan.times):
        fault.happen(experiment)
        happened()
    while sum(experiment.group.ends().values()) < plan.transactions:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    result = experiment.end(fault.rules)
    return ExperimentResult(
        plan.times, result.counts, max(experiment.recoveries), [*result.problems, *experiment.stop_detectors()]
    )


def open_experiment(
    cluster: KafkaCluster, client: str, intensity: Intensity, seed: int, directory: Path
) -> closing[Experiment]:
    """Return an experiment that is closed in the end."""
    return closing(Experiment(cluster, client, intensity, random.Random(seed), directory))
