"""Each fault a few times, under load: nothing is lost, doubled, misrouted, altered or out of order.

The client libraries take turns; `scripts/chaos --short` injects each fault with both.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import cycle
from pathlib import Path

import pytest

from messaging.settings import CLIENTS
from tests.chaos.experiment import Intensity
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.kafka_cluster import KafkaCluster, expect_alive, one_broker, three_brokers
from tests.chaos.run import Plan, open_experiment, run
from tests.support.services import SMALL_BATCHES
from tests.support.shared import Shared

pytestmark = pytest.mark.integration

SEED = 7
IMPATIENT_SERVICES = {"KAFKA_SESSION_TIMEOUT_MS": "3000", **SMALL_BATCHES}
INTENSITY = Intensity(per_second=500, cut_seconds=6, away_seconds=3, settings=IMPATIENT_SERVICES)
INJECTED = [
    pytest.param(client, fault, id=f"{fault.name}-{client}")
    for client, fault in zip(cycle(CLIENTS), (fault for fault in FAULTS if fault.times_short), strict=False)
]


@pytest.fixture(scope="module")
def clusters() -> Iterator[Mapping[bool, Shared[KafkaCluster]]]:
    """Three brokers for faults that are replicated, else one."""
    with closing(Shared(one_broker, expect_alive)) as one, closing(Shared(three_brokers, expect_alive)) as three:
        yield {False: one, True: three}


@pytest.mark.parametrize(("client", "fault"), INJECTED)
def test_nothing_is_lost_or_doubled(
    clusters: Mapping[bool, Shared[KafkaCluster]], client: str, fault: Fault, tmp_path: Path
) -> None:
    with (
        clusters[fault.is_replicated].lent() as cluster,
        open_experiment(cluster, client, INTENSITY, SEED, tmp_path) as experiment,
    ):
        result = run(fault, Plan(fault.times_short), experiment)
    assert result.problems == []
