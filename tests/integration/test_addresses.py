"""Addresses at which nobody is: those that a broker names itself, and bootstrap servers that do not answer."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from embedded_kafka import EmbeddedKafka, configuration
from embedded_kafka.ports import free_ports
from tests.support.brokers import IMPATIENT
from tests.support.services import Services
from tests.support.shared import Shared
from tests.support.topics import Names, create_topics

pytestmark = pytest.mark.integration

UNRESOLVED = "kafka.invalid:9092"
MODULES = ("generator", "detector")


class Misled:
    """A broker that names a wrong address to whoever comes by one of its listeners."""

    def __init__(self, kafka: EmbeddedKafka, listeners: Mapping[str, int]) -> None:
        self.kafka = kafka
        self._listeners = listeners

    def servers(self, named: str) -> str:
        """Return where it names that address."""
        return f"localhost:{self._listeners[named]}"

    @property
    def unreached(self) -> str:
        """The address that it names where nobody listens."""
        return next(named for named in self._listeners if named != UNRESOLVED)


@contextmanager
def misled() -> Iterator[Misled]:
    kafka = EmbeddedKafka(properties=IMPATIENT)
    first, second, nobody = free_ports(3)
    listeners = {UNRESOLVED: first, f"localhost:{nobody}": second}
    made = configuration.server_properties(kafka.ports, Path(), {})
    for number, (named, port) in enumerate(listeners.items()):
        made["listeners"] += f",WRONG{number}://127.0.0.1:{port}"
        made["advertised.listeners"] += f",WRONG{number}://{named}"
        made["listener.security.protocol.map"] += f",WRONG{number}:PLAINTEXT"
    names = ("listeners", "advertised.listeners", "listener.security.protocol.map")
    kafka.properties |= {name: made[name] for name in names}
    with kafka:
        yield Misled(kafka, listeners)


def expect_alive(broker: Misled) -> None:
    assert broker.kafka.is_running, broker.kafka.failure("Kafka died")


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared[Misled]]:
    with closing(Shared(misled, expect_alive)) as shared:
        yield shared


@pytest.fixture
def misleading(shared: Shared[Misled]) -> Iterator[Misled]:
    with shared.lent() as broker:
        yield broker


@pytest.fixture
def own_services(client: str, names: Names, tmp_path: Path) -> Iterator[Services]:
    """Starts services whose servers each test says."""
    with closing(Services({"KAFKA_CLIENT": client, **names.settings()}, tmp_path)) as services:
        yield services
    print(*services.last_lines(), sep="\n")  # noqa: T201 - pytest shows it where a test has failed


def expect_advice(services: Services, module: str, servers: str, address: str) -> None:
    """Expect a line with the address, and whose it is; again after a few seconds."""
    service = services.start(module, KAFKA_BOOTSTRAP_SERVERS=servers)
    says = rf"the broker itself named the address {re.escape(address)}: .* advertised\.listeners"
    service.wait_for_line(f"WARNING Kafka does not answer, trying again: .*{says}", seconds=10)
    service.wait_for_line(says, seconds=10, count=2)


@pytest.mark.parametrize("module", MODULES)
def test_a_host_that_the_broker_names_and_nobody_knows(misleading: Misled, own_services: Services, module: str) -> None:
    expect_advice(own_services, module, misleading.servers(UNRESOLVED), UNRESOLVED)


@pytest.mark.parametrize("module", MODULES)
def test_a_port_that_the_broker_names_and_where_nobody_listens_though_the_topics_are_there(
    misleading: Misled, own_services: Services, names: Names, module: str
) -> None:
    create_topics(misleading.kafka.bootstrap_servers, *names.topics)
    unreached = misleading.unreached
    expect_advice(own_services, module, misleading.servers(unreached), unreached)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"localhost:{listening.getsockname()[1]}"


def test_a_bootstrap_server_that_never_answers_leaves_time_for_the_next(
    services: Services, broker: str, silent: str
) -> None:
    pair = [services.start(module, KAFKA_BOOTSTRAP_SERVERS=f"{silent},{broker}") for module in MODULES]
    pair[1].wait_for_line(" (FRAUD|LEGIT) ", seconds=15)
    assert not [line for service in pair for line in service.lines if "trying again with a new client" in line]
