"""Each fault a few times, under load: nothing is lost, doubled, misrouted, altered or out of order."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from messaging.settings import CLIENTS
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.run import Plan, open_scene, run
from tests.chaos.scene import Pace
from tests.chaos.stage import Stage, expect_alive, one_broker, three_brokers
from tests.support.services import SMALL_BATCHES
from tests.support.shared import Shared

pytestmark = pytest.mark.integration

SEED = 7
IMPATIENT_SERVICES = {"KAFKA_SESSION_TIMEOUT_MS": "3000", **SMALL_BATCHES}
PACE = Pace(per_second=500, cut_seconds=6, away_seconds=10, settings=IMPATIENT_SERVICES)
STAGED = [
    pytest.param(client, fault, id=f"{fault.name}-{client}")
    for client in CLIENTS
    for fault in FAULTS
    if fault.times_short
]


@pytest.fixture(scope="module")
def stages() -> Iterator[Mapping[bool, Shared[Stage]]]:
    """Three brokers for faults that are replicated, else one."""
    with closing(Shared(one_broker, expect_alive)) as one, closing(Shared(three_brokers, expect_alive)) as three:
        yield {False: one, True: three}


@pytest.mark.parametrize(("client", "fault"), STAGED)
def test_nothing_is_lost_or_doubled(
    stages: Mapping[bool, Shared[Stage]], client: str, fault: Fault, tmp_path: Path
) -> None:
    with (
        stages[fault.is_replicated].lent() as stage,
        open_scene(stage, client, PACE, SEED, tmp_path) as scene,
    ):
        outcome = run(fault, Plan(fault.times_short), scene)
    assert outcome.problems == []
