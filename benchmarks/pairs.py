"""Runs of one detector in pairs, without something and with it: on a busy machine only their ratio counts."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks import runs
from benchmarks.contenders import Contender
from benchmarks.filling import Written
from benchmarks.runs import Bench


class Side(NamedTuple):
    """One of a pair: a filled topic, what was written there, and settings of the detector."""

    topic: str
    written: Written
    settings: Mapping[str, str]


class Costs(NamedTuple):
    """CPU seconds a million transactions, which is microseconds for each; nan where the run has failed."""

    without: float
    with_it: float

    @property
    def ratio(self) -> float:
        """How many times as much the second costs."""
        return self.with_it / self.without

    @property
    def more(self) -> float:
        """How many microseconds a transaction the second costs more."""
        return self.with_it - self.without


def run_pairs(bench: Bench, contender: Contender, pair: tuple[Side, Side], label: str, rounds: int) -> Sequence[Costs]:
    """Run both of a pair so many times, the second first in every other round."""
    return [_run_pair(bench, contender, pair, f"{label}, pair {number + 1}", number) for number in range(rounds)]


def _run_pair(bench: Bench, contender: Contender, pair: tuple[Side, Side], label: str, number: int) -> Costs:
    costs = [0.0, 0.0]
    for which in (0, 1) if number % 2 == 0 else (1, 0):
        side = pair[which]
        ready = contender._replace(settings={**contender.settings, **side.settings})
        run = runs.route_all(bench, ready, side.topic, side.written)
        runs.tell(run, f"{label}, {contender.name}, {'without' if which == 0 else 'with'}")
        costs[which] = math.nan if run.failure else run.cpu_seconds_per_million
    return Costs(*costs)
