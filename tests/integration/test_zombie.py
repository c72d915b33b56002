"""A detector that is suspended in the middle of a batch, and wakes up when the group has long gone on without it."""

from pathlib import Path

import pytest

from tests.conservation import assert_each_judged_once, wait_until_judged
from tests.harmful_rules import SUSPEND_WHEN
from tests.services import Services
from tests.topics import Names
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ALL_FOUR = r"assigned: .*\[0\], .*\[1\], .*\[2\], .*\[3\]"
COUNT = 4_000


def test_a_batch_that_was_interrupted_is_refused_and_doubles_nothing(
    services: Services, broker: str, names: Names, tmp_path: Path
) -> None:
    order = tmp_path / "suspend"
    rule = {"FRAUD_RULES": "tests.harmful_rules:suspends_the_process", SUSPEND_WHEN: str(order)}
    generator = services.start("generator", TRANSACTION_COUNT=str(COUNT), TRANSACTIONS_PER_SECOND="200")
    sleeper = services.start("detector", BATCH_SIZE="100", **rule)
    sleeper.wait_for_line("LEGIT")
    order.touch()
    wait_until(lambda: not order.exists(), 10, "the detector to suspend itself")
    other = services.start("detector", BATCH_SIZE="100")
    other.wait_for_line(ALL_FOUR, 30)
    other.wait_for_line("LEGIT|FRAUD", count=200)
    sleeper.resume()
    sleeper.wait_for_line(r"WARNING batch of \d+ aborted")
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, COUNT)
    assert_each_judged_once(broker, names, COUNT)
