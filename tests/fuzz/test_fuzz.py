"""Input of every form for a few seconds: one output of each record, and a detector that stays up."""

import random
from pathlib import Path

import pytest

from tests.fuzz.records import large, strange, tiny
from tests.fuzz.run import FuzzTarget, Phase, mapped_phase, run
from tests.support.services import SMALL_BATCHES

pytestmark = pytest.mark.integration

SEED = 7
PHASES = (
    Phase("of every form", strange, 1, most=10_000),
    Phase("as large as the broker takes", large, 1, most=20),
    Phase("of 1 to 10 bytes", tiny, 1, most=50_000),
    mapped_phase(random.Random(SEED), 1, most=10_000),
)


@pytest.mark.parametrize("phase", PHASES, ids=[phase.name for phase in PHASES])
def test_each_record_has_one_output(phase: Phase, broker: str, client: str, tmp_path: Path) -> None:
    result = run(phase, FuzzTarget(broker, client, tmp_path, SMALL_BATCHES), 20, SEED, lambda: None)
    assert result.problems == []
    assert sum(result.counts[name] for name in result.counts if "-" in name) > 0
