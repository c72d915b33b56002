"""The broker that the tests share: its death is named, costs one test, and the next one gets another."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing

import pytest

from tests.support.brokers import Kafka, answers, container, embedded, expect_answer
from tests.support.kafka_container import problem_with_docker
from tests.support.shared import Shared

pytestmark = pytest.mark.integration

STARTED = "Kafka Server started"


@pytest.mark.parametrize(("start", "code"), [(container, 137), (embedded, -9)], ids=["container", "embedded"])
def test_a_broker_that_dies_is_named_as_such_and_replaced(
    start: Callable[[], AbstractContextManager[Kafka]], code: int
) -> None:
    if start is container and (problem := problem_with_docker()):
        pytest.skip(problem)
    with closing(Shared(start, expect_answer)) as brokers:
        with pytest.raises(AssertionError, match=rf"(?s)Kafka died.*exit code {code}\b.*last lines.*{STARTED}"):
            kill_one(brokers)
        with brokers.lent() as another:
            assert answers(another.servers)


def kill_one(brokers: Shared[Kafka]) -> None:
    with brokers.lent() as kafka:
        kafka.kill()
