"""Three brokers: one of them may go, machine and all."""

from collections.abc import Iterator

import pytest

from tests.containers import stack

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("engine")]

READ_ON_SECONDS = 30  # 15 on a machine that does nothing else


@pytest.fixture(scope="module", autouse=True)
def removed() -> Iterator[None]:
    stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
    yield
    stack.compose(*stack.CLUSTER, "down", "--volumes", "--remove-orphans", "--timeout", "5")


def test_a_broker_that_is_gone_stops_nobody_and_the_law_holds() -> None:
    stack.compose(*stack.CLUSTER, "up", "--detach", "--build", "--wait", settings=stack.SETTINGS)
    stack.wait_until_it_goes_on()
    stack.compose(*stack.CLUSTER, "kill", "kafka-2")
    stack.Log(stack.container("detector")).wait_for(stack.VERDICT, READ_ON_SECONDS, count=100)
    stack.compose(*stack.CLUSTER, "up", "--detach", "--no-deps", "--wait", "kafka-2")
    stack.compose(*stack.CLUSTER, "run", "--rm", "audit")
