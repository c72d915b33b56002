"""The audit where topics bear the broker's time (LogAppendTime): what the pair has done passes."""

from collections.abc import Sequence

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.support.conservation import wait_until_judged
from tests.support.services import Service, Services
from tests.support.topics import NOW, Names, committed, create_topics, delete_records, message, write

pytestmark = pytest.mark.integration

WAIT_SECONDS = 60
SET_BY_BROKER = {"message.timestamp.type": "LogAppendTime"}
LONG_AGO = NOW - 1_000_000  # when no broker of this test has lived
KEPT, SET = False, True
COUNT = 20
FIELDS = Names._fields[:4]  # those of the topics


@pytest.fixture(params=["confluent"])
def client(request: pytest.FixtureRequest) -> str:
    """The audit is the same with both, and scripts/chaos holds it against both."""
    return str(request.param)


def paid(number: int) -> bytes:
    return f'{{"id":"{number}","source":"a","target":"b","amount":{number % 2 * 1000}}}'.encode()


def make_topics(servers: str, names: Names, timed: Sequence[str] = ()) -> None:
    for name, topic in zip(FIELDS, names.topics, strict=True):
        create_topics(servers, topic, partitions=1, settings=SET_BY_BROKER if name in timed else {})


def feed(servers: str, names: Names, begin: int) -> None:
    """Write some transactions, which others like them but for the time may follow, and one record that is none."""
    values = [*map(paid, range(COUNT)), b"not JSON"]
    write(servers, [message(names.transactions, value, timestamp=begin + n) for n, value in enumerate(values)])


def audited(services: Services) -> Service:
    audit = services.start("audit")
    assert audit.wait(WAIT_SECONDS) == 0, audit.lines
    assert audit.matches("^lost +0$")
    return audit


def kinds(servers: str, topic: str) -> set[bool]:
    """Return the kinds of timestamps in a topic."""
    return {record.has_broker_time for record in committed(servers, topic)}


@pytest.mark.parametrize(
    "timed", [["fraud", "legit", "dead_letter"], ["transactions"], FIELDS], ids=["outputs", "input", "all"]
)
def test_what_the_pair_has_done_passes(services: Services, broker: str, names: Names, timed: Sequence[str]) -> None:
    make_topics(broker, names, timed)
    feed(broker, names, LONG_AGO)
    services.start("detector")
    wait_until_judged(broker, names, COUNT + 1)
    assert {name: kinds(broker, topic) for name, topic in zip(FIELDS, names.topics, strict=True)} == {
        name: {SET if name in timed else KEPT} for name in FIELDS
    }
    audit = audited(services)
    assert audit.matches(f"^{names.legit} +{COUNT // 2}$")
    assert audit.matches(f"^{names.dead_letter} +1$")


def test_a_type_that_was_changed_half_way_passes(services: Services, broker: str, names: Names) -> None:
    make_topics(broker, names)
    services.start("detector")
    feed(broker, names, LONG_AGO)
    wait_until_judged(broker, names, COUNT + 1)
    set_by_broker(broker, names.legit)
    rounds = 1
    while kinds(broker, names.legit) != {KEPT, SET}:  # a partition may take up its new settings a moment later
        rounds += 1
        assert rounds < COUNT
        feed(broker, names, LONG_AGO + rounds * 1000)
        wait_until_judged(broker, names, rounds * (COUNT + 1))
    audited(services)


@pytest.mark.parametrize("shortened", ["transactions", "legit"])
def test_what_retention_has_deleted_is_left_out(services: Services, broker: str, names: Names, shortened: str) -> None:
    make_topics(broker, names, ["fraud", "legit", "dead_letter"])
    feed(broker, names, LONG_AGO)
    detector = services.start("detector")
    wait_until_judged(broker, names, COUNT + 1)
    assert detector.stop() == 0
    topic = getattr(names, shortened)
    delete_records(broker, topic, 5)
    assert audited(services).matches("left out: all records up to")


def set_by_broker(servers: str, topic: str) -> None:
    ((name, value),) = SET_BY_BROKER.items()
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": servers})  # it has to live until the answer is there
    (altered,) = admin.incremental_alter_configs([resource]).values()
    altered.result(WAIT_SECONDS)
