"""The brokers on which faults are injected."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from embedded_kafka import EmbeddedKafka, configuration, ports
from tests.chaos.proxy import Proxy
from tests.support.brokers import IMPATIENT

_IN_SYNC = "2"
_REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": _IN_SYNC,
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": _IN_SYNC,
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": _IN_SYNC,
    "broker.session.timeout.ms": "6000",
}


class KafkaCluster(NamedTuple):
    """Brokers to be killed, the servers to connect to, and a proxy to the first of them that can be cut."""

    brokers: Sequence[EmbeddedKafka]
    proxy: Proxy

    @property
    def servers(self) -> str:
        """The servers, for all but one."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    @property
    def servers_behind_proxy(self) -> str:
        """The server for the one whose network is to be cut."""
        return f"127.0.0.1:{self.proxy.port}"


def expect_alive(cluster: KafkaCluster) -> None:
    """Raise AssertionError where a broker has died and was not started again."""
    deaths = [str(broker.failure("Kafka died")) for broker in cluster.brokers if not broker.is_running]
    assert not deaths, "\n".join(deaths)


@contextmanager
def one_broker() -> Iterator[KafkaCluster]:
    """Start one broker, with a listener more that tells its clients to connect to the proxy."""
    kafka = EmbeddedKafka(properties=IMPATIENT)
    (port,) = ports.free_ports(1)
    with closing(Proxy(port)) as proxy:
        _add_listener(kafka, port, proxy.port)
        with kafka:
            yield KafkaCluster([kafka], proxy)


@contextmanager
def three_brokers() -> Iterator[KafkaCluster]:
    """Start three brokers that replicate everything; each write is on two of them before it is acknowledged."""
    brokers = [EmbeddedKafka(properties=IMPATIENT) for _ in range(3)]
    voters = ",".join(f"{number}@127.0.0.1:{each.ports.controller}" for number, each in enumerate(brokers, 1))
    for number, broker in enumerate(brokers, 1):
        broker.properties |= {**_REPLICATED, "node.id": str(number), "controller.quorum.voters": voters}
    with ExitStack() as stack, closing(Proxy(brokers[0].ports.clients)) as proxy:
        for broker in brokers:
            stack.callback(broker.close)
        with ThreadPoolExecutor(len(brokers)) as pool:
            list(pool.map(EmbeddedKafka.start, brokers))
        yield KafkaCluster(brokers, proxy)


def _add_listener(kafka: EmbeddedKafka, port: int, advertised: int) -> None:
    made = configuration.server_properties(kafka.ports, Path(), {})
    added = {
        "listeners": f"PROXIED://127.0.0.1:{port}",
        "advertised.listeners": f"PROXIED://127.0.0.1:{advertised}",
        "listener.security.protocol.map": "PROXIED:PLAINTEXT",
    }
    kafka.properties |= {name: f"{made[name]},{more}" for name, more in added.items()}
