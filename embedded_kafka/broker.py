"""One Kafka broker as a child process, from its first format to its last file."""

import re
import shutil
import ssl
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from embedded_kafka import aot_cache, configuration, folder, installation, ports, readiness
from embedded_kafka.errors import CannotBeUsed, EmbeddedKafkaError
from embedded_kafka.java import Java
from embedded_kafka.waiting import Waiting

START_SECONDS = 300
FENCE_SECONDS = 40
FENCED = re.compile(rb"Fencing broker .*fenced=1,", re.DOTALL)  # in Kafka's log: the decision, and its record
FLUSH_SECONDS = 0.3  # ten times as long as Kafka may hold a record back


class EmbeddedKafka:
    """A one-node Kafka on localhost; `with` starts and closes it.

    Port 0 takes a free one. Without a data directory the data lives in a temporary folder until `close`.
    `properties` go over the broker's settings at each start; its listeners are CLIENTS (the port), BROKER and
    CONTROLLER, so `listener.security.protocol.map` can secure each of them; `tls` is then what it takes to reach the
    listener BROKER. With a `controller.quorum.voters` of their own, several of them make a cluster. `waiting` tells
    of each step of `start`, which raises Stopped when that is asked for; without it only of those that come once.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        data_directory: Path | None = None,
        properties: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        clients, broker, controller = ports.free_ports(3)
        self.ports = configuration.Ports(port or clients, broker, controller)
        self._given_directory = data_directory
        self._directory: Path | None = None
        self.properties = dict(properties or {})
        self._tls = tls
        self._server_options: Sequence[str] = ()
        self._waiting = waiting or Waiting()
        self._program = Java()
        self.bootstrap_servers = f"localhost:{self.ports.clients}"
        self._step = f"Kafka is starting on {self.bootstrap_servers}" if waiting else ""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        """Whether the broker's process lives."""
        return self._program.is_running

    @property
    def settings(self) -> Mapping[str, str]:
        """All that a service needs to connect, as settings, over whatever else is set; an empty one is unset."""
        return {**configuration.PLAIN, "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers}

    def start(self) -> None:
        """Start the broker on its data and return when it answers. Raises EmbeddedKafkaError."""
        self._expect_free_port()
        java = self._java()
        directory = self._prepare_directory()
        settings = directory / "server.properties"
        if not (directory / "data" / "meta.properties").exists():
            self._program.launch(configuration.format_command(java, settings), directory / "broker.log")
            self._expect_formatted()
        elif "controller.quorum.voters" not in self.properties:  # in a cluster, the others have seen to it
            self._fence_predecessor(java, directory)
        server = configuration.server_command([*java, *self._server_options], settings)
        self._program.launch(server, directory / "broker.log")
        self._expect_ready()

    def kill(self) -> None:
        """End the broker's process (SIGKILL); its data stays for the next `start`.

        An orderly stop can leave a Kafka transaction hanging for ever (KAFKA-20734), and takes longer.
        """
        self._program.kill()

    def close(self) -> None:
        """End the broker and remove its data, unless the data directory was given. For good."""
        self._program.close()
        if self._directory is not None and self._given_directory is None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _java(self) -> Sequence[str]:
        return aot_cache.java_with_cache(
            installation.install(self._waiting), partial(learn, self._waiting), self._waiting
        )

    def _pause(self) -> None:
        self._waiting.pause(self._step)

    def _expect_free_port(self) -> None:
        reason = ports.why_not_free(self.ports.clients)
        if reason is not None:
            raise CannotBeUsed(ports.taken(self.ports.clients, reason))

    def _prepare_directory(self) -> Path:
        try:
            return self._write_properties()
        except OSError as error:
            raise CannotBeUsed(f"the data directory cannot be used: {error}") from error

    def _write_properties(self) -> Path:
        if self._directory is None:
            self._directory = self._given_directory or Path(tempfile.mkdtemp(prefix="embedded-kafka-"))
        directory = self._directory.absolute()
        folder.write_properties(directory, self.ports, self.properties)
        return directory

    def _fence_predecessor(self, java: Sequence[str], directory: Path) -> None:
        """Run a controller alone until it has fenced the broker that was killed.

        A broker that starts as the leader it was could leave Kafka transactions hanging: see docs/decisions.md.
        """
        log = directory / "controller.log"
        log.unlink(missing_ok=True)
        self._program.launch(configuration.server_command(java, directory / "controller.properties"), log)
        deadline = time.monotonic() + FENCE_SECONDS
        while self.is_running and time.monotonic() < deadline and not FENCED.search(log.read_bytes()):
            self._pause()
        time.sleep(FLUSH_SECONDS)
        self._program.stop(self._pause)  # only one without Kafka transactions may end in this orderly way

    def _expect_formatted(self) -> None:
        while self._program.is_running:
            self._pause()
        if self._program.exit_code != 0:
            raise self.failure("Kafka's data directory could not be formatted")

    def _expect_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if not self.is_running:
                self._expect_free_port()  # somebody may have been quicker
                raise self.failure("Kafka ended while it was starting")
            if time.monotonic() > deadline:
                self.kill()
                raise self.failure(f"Kafka did not answer within {START_SECONDS} s")
            self._pause()

    def _is_ready(self) -> bool:
        """Whether this broker answers and, of all brokers, it is the one on the clients' port."""
        return readiness.is_ready(self.ports.broker, self._tls) and self._program.listens_on(self.ports.clients)

    def failure(self, what: str) -> EmbeddedKafkaError:
        """Return the error that says this, with the broker's exit code and its last lines."""
        end = folder.end_of((self._directory or Path()) / "broker.log")
        return EmbeddedKafkaError(f"{what} (exit code {self._program.exit_code}); {end}")


class _Learner(EmbeddedKafka):
    """A broker that ends as soon as it has started, in the orderly way in which Java keeps what it learned."""

    def __init__(self, waiting: Waiting, java: Sequence[str], option: str) -> None:
        super().__init__(waiting=waiting)
        self._plain_java = java
        self._server_options = [option]
        self._step = aot_cache.STEP

    def start(self) -> None:
        super().start()
        self._program.stop(self._pause)

    def _java(self) -> Sequence[str]:
        return self._plain_java


def learn(waiting: Waiting, java: Sequence[str], option: str) -> None:
    """Start a broker with this Java and one more option, and end it. Raises EmbeddedKafkaError."""
    with _Learner(waiting, java, option):
        pass
