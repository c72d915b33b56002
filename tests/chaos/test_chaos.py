"""Each fault a few times, under load: nothing is lost, doubled, misrouted, altered or out of order."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from messaging.settings import CLIENTS
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.run import Plan, open_scene, run
from tests.chaos.scene import Pace
from tests.chaos.stage import Stage, one_broker, three_brokers

pytestmark = pytest.mark.integration

SEED = 7
IMPATIENT_SERVICES = {"KAFKA_SESSION_TIMEOUT_MS": "3000", "KAFKA_TRANSACTION_TIMEOUT_MS": "2000"}
PACE = Pace(per_second=2_000, cut_seconds=6, away_seconds=10, settings=IMPATIENT_SERVICES)
STAGED = [
    pytest.param(client, fault, id=f"{fault.name}-{client}")
    for client in CLIENTS
    for fault in FAULTS
    if fault.times_short
]


@pytest.fixture(scope="module")
def stages() -> Iterator[Callable[[bool], Stage]]:
    """Brokers for all tests: three for faults that are replicated, else one; they start with the first that asks."""
    with ExitStack() as opened:
        yield cache(lambda is_replicated: opened.enter_context(three_brokers() if is_replicated else one_broker()))


@pytest.mark.parametrize(("client", "fault"), STAGED)
def test_nothing_is_lost_or_doubled(stages: Callable[[bool], Stage], client: str, fault: Fault, tmp_path: Path) -> None:
    with open_scene(stages(fault.is_replicated), client, PACE, SEED, tmp_path) as scene:
        outcome = run(fault, Plan(fault.times_short), scene)
    assert outcome.problems == []
