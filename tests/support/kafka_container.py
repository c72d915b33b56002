"""Kafka's own image in Docker. (testcontainers' KafkaContainer is written for another vendor's image.)"""

import shlex
import time
from contextlib import closing, suppress
from typing import Self

import docker
from docker.errors import DockerException, ImageNotFound, NotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.support.waiting import BUSY

REPOSITORY, TAG = "apache/kafka", "4.3.1"
IMAGE = f"{REPOSITORY}:{TAG}"
_PORT = 9092
_ANSWER_SECONDS = 60
_PULL_SECONDS = 600
_LAST_LINES = 15
_WAIT_FOR_PORT = "until [ -e /tmp/listeners ]; do sleep 0.1; done; . /tmp/listeners; exec /etc/kafka/docker/run"

# One setting from outside replaces all of the image's own, so everything is here.
_SETTINGS = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER",
    "KAFKA_LISTENERS": f"CLIENTS://:{_PORT},CONTROLLER://:9093,BROKER://:9094",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,BROKER:PLAINTEXT",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_LOG_RETENTION_MS": "-1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "1000",
    # Fewer partitions of Kafka's own topics to make.
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
    # The serial collector starts soonest; and only what runs for longer than a start is worth optimising.
    "KAFKA_HEAP_OPTS": "-Xmx512m",
    "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:CompileThresholdScaling=3",
    # Busy for longer than the default's 9 s, it would take the leadership of all partitions from itself.
    "KAFKA_BROKER_SESSION_TIMEOUT_MS": "60000",
}


class KafkaContainer(DockerContainer):
    """One node; Docker chooses the port, so the broker waits until it is told which address to advertise."""

    def __init__(self) -> None:
        # The fixture stops the container: testcontainers' reaper would be one image more to pull.
        testcontainers_config.ryuk_disabled = True
        super().__init__(IMAGE, {"timeout": _ANSWER_SECONDS * BUSY}, env=_SETTINGS, ports=[_PORT])
        self.with_command(["sh", "-c", _WAIT_FOR_PORT])

    @property
    def bootstrap_servers(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(_PORT)}"

    def start(self) -> Self:
        _pull()
        super().start()
        listeners = f"export KAFKA_ADVERTISED_LISTENERS=CLIENTS://{self.bootstrap_servers},BROKER://localhost:9094"
        write = f"echo {shlex.quote(listeners)} >/tmp/new && mv /tmp/new /tmp/listeners"
        assert self.exec(["sh", "-c", write]).exit_code == 0
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:  # noqa: FBT001, FBT002 - as in testcontainers
        with suppress(NotFound):  # somebody has removed it
            super().stop(force, delete_volume)

    def kill(self) -> None:
        """Send SIGKILL, and wait for the end."""
        self.get_wrapped_container().kill()
        self.wait()

    def death(self) -> str | None:
        """Return how the container ended, with the last lines of its log; None while it runs."""
        container = self.get_wrapped_container()
        try:
            container.reload()
        except NotFound:
            return f"Kafka died: its container {container.short_id} is gone"
        if container.status == "running":
            return None
        code = container.attrs["State"]["ExitCode"]
        log = container.logs(tail=_LAST_LINES).decode(errors="replace")
        return f"Kafka died: its container ended with exit code {code}; its last lines:\n{log}"


def problem_with_docker() -> str | None:
    """Say why the container cannot be started, as far as can be known within seconds."""
    try:
        engine = docker.from_env(timeout=_ANSWER_SECONDS)
    except DockerException as error:
        return f"no Docker engine answers ({type(error).__name__})"
    with closing(engine):
        return _problem_with_image(engine)


def _problem_with_image(engine: docker.DockerClient) -> str | None:
    try:
        _find_image(engine)
    except (DockerException, OSError) as error:
        return f"Docker neither has nor finds {IMAGE} ({type(error).__name__})"
    return None


def _find_image(engine: docker.DockerClient) -> None:
    try:
        engine.images.get(IMAGE)
    except ImageNotFound:
        engine.images.get_registry_data(IMAGE)


def _pull() -> None:
    deadline = time.monotonic() + _PULL_SECONDS
    with closing(docker.from_env()) as engine:
        if engine.images.list(IMAGE):
            return
        for _ in engine.api.pull(REPOSITORY, TAG, stream=True):
            assert time.monotonic() < deadline, f"pulling {IMAGE} takes longer than {_PULL_SECONDS} s: pull it by hand"
