"""A secured EmbeddedKafka: TLS, a login for each service, and only the rights that the service needs."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException

from embedded_kafka.broker import EmbeddedKafka
from embedded_kafka.configuration import PLAIN
from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.waiting import Waiting
from provisioning.cluster import SetupSettings, apply
from provisioning.listeners import MECHANISM, secured_properties
from provisioning.principals import BROKER, SETUP, USERS
from provisioning.store import make_secrets
from runtime.settings import read_settings

HOSTS = ("localhost", "127.0.0.1")
_ANY_SERVER = {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"}


class SecuredKafka:
    """An EmbeddedKafka whose keys, passwords and data are in a folder; `with` starts and closes it.

    `names` are settings that name topics and the group; they are read before anything is made, which raises
    InvalidSettings. The folder `secrets` holds a folder for each user, see provisioning.store.
    """

    def __init__(
        self,
        directory: Path,
        *,
        names: Mapping[str, str],
        port: int = 0,
        waiting: Waiting | None = None,
    ) -> None:
        self.secrets = directory.absolute() / "secrets"
        self._names = names
        read_settings(SetupSettings, {**self._names, **PLAIN, **_ANY_SERVER})
        self._waiting = waiting or Waiting()
        self._step = "Making the users, the topics and their rights" if waiting else ""
        try:
            make_secrets(self.secrets, HOSTS, {})
        except OSError as error:
            raise EmbeddedKafkaError(f"the folder for keys and passwords cannot be used: {error}") from error
        secured = secured_properties(self.secrets / BROKER, logins=["CLIENTS"], certificates=["BROKER", "CONTROLLER"])
        tls = self._of_setup(_ANY_SERVER["KAFKA_BOOTSTRAP_SERVERS"]).connection.security.tls
        self.broker = EmbeddedKafka(
            port=port,
            data_directory=directory / "broker",
            properties=secured,
            tls=tls,
            waiting=waiting,
        )
        self.bootstrap_servers = self.broker.bootstrap_servers

    def __enter__(self) -> Self:
        self.broker.__enter__()
        try:
            self._secure()
        except BaseException:
            self.broker.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.broker.close()

    @property
    def is_running(self) -> bool:
        """Whether the broker's process lives."""
        return self.broker.is_running

    @property
    def settings(self) -> Mapping[str, str]:
        """What a service needs to connect, as settings, but for its user and password; KAFKA_SECRETS has these."""
        return {
            **self.broker.settings,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": MECHANISM,
            "KAFKA_SSL_CA_FILE": str(self.secrets / "generator" / "ca.pem"),
            "KAFKA_SECRETS": str(self.secrets),
        }

    @property
    def setup(self) -> SetupSettings:
        """The settings with which one may do everything."""
        return self._of_setup(f"localhost:{self.broker.ports.broker}")

    def login(self, user: str) -> Mapping[str, str]:
        """Return the settings with which a service of this name connects."""
        password = self.secrets / user / "password"
        return {**self.settings, "KAFKA_SASL_USERNAME": user, "KAFKA_SASL_PASSWORD_FILE": str(password)}

    def login_file(self, user: str) -> Path:
        """Return the file that holds these settings, for `env $(cat FILE)`; it names the password's file only."""
        return self.secrets / user / "login"

    def apply(self) -> None:
        """Make the users, the topics and the ACLs. Raises EmbeddedKafkaError."""
        try:
            apply(self.setup, self.secrets)
        except KafkaException as error:
            raise EmbeddedKafkaError(f"Kafka could not be secured: {error.args[0].str()}") from error

    def _secure(self) -> None:
        executor = ThreadPoolExecutor(1)
        applied = executor.submit(self.apply)
        executor.shutdown(wait=False)
        while not applied.done():
            self._waiting.pause(self._step)
        applied.result()
        for user in USERS:
            self.login_file(user).write_text("".join(f"{name}={text}\n" for name, text in self.login(user).items()))

    def _of_setup(self, servers: str) -> SetupSettings:
        own = {
            **PLAIN,
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_FILE": str(self.secrets / SETUP / "ca.pem"),
            "KAFKA_SSL_CERTIFICATE_FILE": str(self.secrets / SETUP / "certificate.pem"),
            "KAFKA_SSL_KEY_FILE": str(self.secrets / SETUP / "key.pem"),
        }
        return read_settings(SetupSettings, {**self._names, **own})
