"""An answer about a group's offset that comes when somebody else has committed meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from messaging.kafka_python import open_processor, open_publisher
from messaging.seam import OffsetUnstable
from messaging.settings import ConnectionSettings, GroupSettings
from runtime.settings import read_settings
from tests.contract.conftest import expel
from tests.contract.stage import DEADLINE_SECONDS, MOST_RECORDS, POLL_SECONDS, Member, deliver, read_on
from tests.support.topics import Names, create_topics, message
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

LATE_SECONDS = 0.5


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_kafka_python_does_not_take_it_for_an_answer_of_now(broker: str, names: Names, opened: ExitStack) -> None:
    create_topics(broker, names.transactions, partitions=1)
    connection = read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": broker})
    group = read_settings(GroupSettings, names.settings())
    with closing(open_publisher(connection)) as publisher:
        deliver(publisher, [message(names.transactions, b"any") for _ in range(3)])
    processor: Any = opened.enter_context(closing(open_processor(connection, group, names.transactions)))
    wait_until(lambda: processor.poll(POLL_SECONDS, MOST_RECORDS).gained, DEADLINE_SECONDS, "the partition")
    with pytest.raises(OffsetUnstable), late_answers(processor._consumer._coordinator):  # noqa: SLF001 - it is to be late
        processor.committed(0)
    expel(broker, names.group)
    with closing(open_processor(connection, group, names.transactions)) as successor:
        read_on(Member(successor), 3)
    wait_until(lambda: processor.poll(POLL_SECONDS, MOST_RECORDS).gained, DEADLINE_SECONDS, "the partition again")
    assert processor.committed(0) == 3


class late_answers:  # noqa: N801 - read as a word of the test
    """Within, the coordinator's answers about offsets are late."""

    def __init__(self, coordinator: Any) -> None:
        self._coordinator = coordinator
        self._ask = coordinator._send_offset_fetch_request  # noqa: SLF001 - it is to be late

    def __enter__(self) -> None:
        self._coordinator._send_offset_fetch_request = self._ask_late  # noqa: SLF001

    def __exit__(self, *_: object) -> None:
        self._coordinator._send_offset_fetch_request = self._ask  # noqa: SLF001

    async def _ask_late(self, partitions: Any) -> Any:
        answer = await self._ask(partitions)
        await self._coordinator._net.sleep(LATE_SECONDS)  # noqa: SLF001
        return answer
