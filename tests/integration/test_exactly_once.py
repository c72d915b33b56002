"""Each transaction gets its verdict once; what is killed, cut off and replaced under load is in tests/chaos."""

from pathlib import Path

import pytest

from tests.support.conservation import assert_each_judged_once, wait_until_judged
from tests.support.harmful_rules import SUSPEND_WHEN
from tests.support.services import Service, Services
from tests.support.topics import Names
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

QUIET = {"LOG_TRANSACTIONS": "none"}
QUICK = {"KAFKA_SESSION_TIMEOUT_MS": "3000", "BATCH_SIZE": "100"}
ALL_FOUR = r"assigned: .*\[0\], .*\[1\], .*\[2\], .*\[3\]"


def generate(services: Services, count: int, per_second: int = 0) -> Service:
    return services.start(
        "generator", TRANSACTION_COUNT=str(count), TRANSACTIONS_PER_SECOND=str(per_second), RANDOM_SEED="7", **QUIET
    )


def test_10_000_transactions_get_their_verdict_once(services: Services, broker: str, names: Names) -> None:
    generator = generate(services, 10_000)
    detector = services.start("detector", **QUIET)
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, 10_000)
    assert detector.stop() == 0
    assert_each_judged_once(broker, names, 10_000)
    assert generator.matches("stopped: sent 10,000$")
    assert detector.matches("stopped: judged 10,000, .* dead letters 0$")


def test_a_batch_that_a_suspension_has_interrupted_is_refused_and_doubles_nothing(
    services: Services, broker: str, names: Names, tmp_path: Path
) -> None:
    order = tmp_path / "suspend"
    rule = {"FRAUD_RULES": "tests.support.harmful_rules:suspends_the_process", SUSPEND_WHEN: str(order)}
    generator = generate(services, 4_000, per_second=400)
    sleeper = services.start("detector", **QUICK, **rule)
    sleeper.wait_for_line("LEGIT")
    order.touch()
    wait_until(lambda: not order.exists(), 10, "the detector to suspend itself")
    other = services.start("detector", **QUICK)
    other.wait_for_line(ALL_FOUR, 30)
    other.wait_for_line("LEGIT|FRAUD", count=200)
    sleeper.resume()
    sleeper.wait_for_line(r"WARNING batch of \d+ records aborted")
    assert generator.wait(60) == 0
    wait_until_judged(broker, names, 4_000)
    assert_each_judged_once(broker, names, 4_000)
