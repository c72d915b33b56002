"""One fault, again and again, under load; then the verdict."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.chaos.faults import ASSIGNED, Fault
from tests.chaos.scene import Pace, Scene
from tests.chaos.stage import Stage

_START_SECONDS = 20.0
_SECONDS_BETWEEN_LOOKS = 1.0


class Outcome(NamedTuple):
    """What came of it: how often it happened, the auditor's counts, the longest recovery, and every problem."""

    times: int
    counts: Mapping[str, int]
    slowest: float
    problems: Sequence[str]


class Plan(NamedTuple):
    """How often a fault is staged, and how many transactions there are at least."""

    times: int
    transactions: int = 0


def run(fault: Fault, plan: Plan, scene: Scene, happened: Callable[[], object] = lambda: None) -> Outcome:
    """Stage a fault so many times, and return what came of it. Raises AssertionError where it does not go on."""
    scene.begin(**fault.generator)
    for number in range(fault.detectors):
        servers = scene.stage.servers_behind_proxy if fault.is_cut and number == 0 else scene.stage.servers
        scene.start_detector(fault.module, FRAUD_RULES=fault.rules, KAFKA_BOOTSTRAP_SERVERS=servers)
    for detector in scene.detectors:
        detector.wait_for_line(ASSIGNED, _START_SECONDS)
    for _ in range(plan.times):
        fault.happen(scene)
        happened()
    while sum(scene.group.ends().values()) < plan.transactions:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    verdict = scene.end(fault.rules)
    return Outcome(plan.times, verdict.counts, max(scene.recoveries), [*verdict.problems, *scene.stop_detectors()])


def open_scene(stage: Stage, client: str, pace: Pace, seed: int, directory: Path) -> closing[Scene]:
    """Return a scene that is closed in the end."""
    return closing(Scene(stage, client, pace, random.Random(seed), directory))
