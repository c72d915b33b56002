"""What kafka-python tells of a refusal, and how; for messaging.kafka_python_client."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from messaging.client import AccessRefused
from messaging.refusals import certificate_refused, login_refused, right_missing
from messaging.security import SecuritySettings


class Refusals:
    """Remembers that a login or a certificate was refused.

    kafka-python 3.0.12 means to, but forgets it, tries again until its time is over, and then says that it is.
    """

    def __init__(self, security: SecuritySettings) -> None:
        self._security = security
        self.error: KafkaError | None = None

    def client(self, **configuration: Any) -> KafkaNetClient:
        """Return the library's network client, watched; for its setting `kafka_client`."""
        net = NetworkSelector(**configuration)
        return KafkaNetClient(net, _WatchedManager(net, self, configuration), **configuration)

    def note(self, error: KafkaError) -> None:
        """Take note of why a connection was not made, where that is a refusal."""
        is_login = isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError)
        if is_login or "certificate" in str(error).lower().replace("_", " "):
            self.error = error

    def check(self) -> None:
        """Raise AccessRefused where a refusal has been noted."""
        if self.error is None:
            return
        is_login = isinstance(self.error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError)
        says = login_refused if is_login else certificate_refused
        raise AccessRefused(says(self._security, str(self.error).rpartition("] ")[2])) from self.error

    def check_right(self, error: BaseException | None, operation: str, topics: Iterable[str], group: str) -> None:
        """Raise AccessRefused where the error, or what it came from, says that the right is missing."""
        while error is not None:
            if isinstance(error, TopicAuthorizationFailedError | ClusterAuthorizationFailedError):
                named = error.args[0] if error.args and isinstance(error.args[0], set | frozenset) else set(topics)
                raise self._missing(operation, f"topic {', '.join(sorted(named))}")
            if isinstance(error, GroupAuthorizationFailedError):
                raise self._missing("Read", f"group {group}")
            if isinstance(error, TransactionalIdAuthorizationFailedError):
                raise self._missing("Write", f"transactional id {group}-*")
            error = error.__cause__ or error.__context__

    def _missing(self, operation: str, resource: str) -> AccessRefused:
        return AccessRefused(right_missing(self._security, operation, resource))


class _WatchedManager(KafkaConnectionManager):
    """Tells of each connection that could not be made, and makes no new one after a refusal.

    A broker that refuses a login answers and closes in one go: kafka-python 3.0.12 would often drop the answer.
    """

    def __init__(self, net: NetworkSelector, refusals: Refusals, configuration: dict[str, Any]) -> None:
        super().__init__(net, **configuration)
        self._refusals = refusals

    def get_connection(self, node_id: Any, **options: Any) -> Any:
        if self._refusals.error is not None:
            raise self._refusals.error
        connection = super().get_connection(node_id, **options)
        connection.init_future.add_errback(self._refusals.note)
        return connection

    async def _build_transport(self, *arguments: Any, **options: Any) -> Any:
        transport = await super()._build_transport(*arguments, **options)
        transport._sock_recv = partial(_receive, transport._sock_recv)  # noqa: SLF001 - it has no other place
        return transport


def _receive(receive: Callable[[], tuple[bytes, Exception | None]]) -> tuple[bytes, Exception | None]:
    """Return what has come, and the connection's end only when nothing has: the next call finds it again."""
    data, error = receive()
    return data, None if data else error
