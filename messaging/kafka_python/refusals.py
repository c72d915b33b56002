"""How kafka-python reports that Kafka refuses access."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from messaging.seam import AccessRefused
from messaging.security.refusals import certificate_refused, login_refused, right_missing, topic_rights_missing
from messaging.security.settings import SecuritySettings

_SETUP_SECONDS = 5.0  # for one connection, until it can be used
_BOOTSTRAP_SECONDS = 2.0  # for that, where there is another server to ask
connections_logger = logging.getLogger("kafka.net.manager")


class Refusals:
    """Remembers that a login or a certificate was refused, and for how long what was written has been held up.

    kafka-python 3.0.12 is meant to remember a refusal, but forgets it, retries until its timeout, and then reports only
    the timeout.
    """

    def __init__(self, security: SecuritySettings) -> None:
        self._security = security
        self.error: KafkaError | None = None
        self._throttled_ms = 0

    def client(self, **configuration: Any) -> KafkaNetClient:
        """Return the library's network client, watched; for its setting `kafka_client`."""
        net = NetworkSelector(**configuration)
        return KafkaNetClient(net, _WatchedManager(net, self, configuration), **configuration)

    def note(self, error: KafkaError) -> None:
        """Take note of why a connection was not made, where that is a refusal."""
        is_login = isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError)
        if is_login or "certificate" in str(error).lower().replace("_", " "):
            self.error = error

    def note_throttling(self, response: Any) -> None:
        """Take note of the time for which a broker holds up a producer."""
        if type(response).__name__.startswith("Produce"):
            self._throttled_ms = max(self._throttled_ms, getattr(response, "throttle_time_ms", 0))

    def throttled_seconds(self) -> float:
        """Return the longest time for which a broker has held up a producer since the last call."""
        milliseconds, self._throttled_ms = self._throttled_ms, 0
        return milliseconds / 1000

    def raise_if_refused(self) -> None:
        """Raise AccessRefused where a refusal has been noted."""
        if self.error is None:
            return
        is_login = isinstance(self.error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError)
        says = login_refused if is_login else certificate_refused
        raise AccessRefused(says(self._security, str(self.error).rpartition("] ")[2])) from self.error

    def raise_if_unauthorized(self, error: object, operation: str, topics: Collection[str], group: str) -> None:
        """Raise AccessRefused where the error, or what it came from, says that the right is missing."""
        for each in _chain(error):
            if _is(each, TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
                raise self.missing(dict.fromkeys(_named(each, topics), operation))
            if _is(each, GroupAuthorizationFailedError):
                raise AccessRefused(right_missing(self._security, "Read", f"group {group}"))
            if _is(each, TransactionalIdAuthorizationFailedError):
                raise AccessRefused(right_missing(self._security, "Write", f"transactional id {group}-*"))

    def missing(self, rights: Mapping[str, str]) -> AccessRefused:
        """Return what to raise where rights on topics are missing, each topic with the operation."""
        return AccessRefused(topic_rights_missing(self._security, rights))


def _chain(error: object) -> Iterator[BaseException]:
    """Yield all that an error came from, and the error; a producer that has failed puts that among the arguments."""
    if isinstance(error, BaseException):
        for origin in (*error.args, error.__cause__ or error.__context__):
            yield from _chain(origin)
        yield error


def is_of_a_topic(error: object) -> bool:
    """Tell whether an error is, or came from, a missing right on a topic."""
    return any(_is(each, TopicAuthorizationFailedError) for each in _chain(error))


def _is(error: BaseException, *kinds: type[KafkaError]) -> bool:
    """Tell whether it is of a kind, or says so: an answer that the library did not expect is put into words."""
    return isinstance(error, kinds) or any(kind.__name__ in str(error) for kind in kinds)


def _named(error: BaseException, topics: Collection[str]) -> Collection[str]:
    """Return the topics that an error names, in a set or alone, else all that it may be about."""
    for argument in error.args:
        if isinstance(argument, set | frozenset):
            return argument
        if isinstance(argument, str) and argument in topics:
            return [argument]
    return topics


class _WatchedManager(KafkaConnectionManager):
    """Tells of each connection that could not be made and to where, and makes no new one after a refusal.

    A broker that refuses a login answers and closes in one go: kafka-python 3.0.12 would often drop the answer.
    One bootstrap server that accepts connections and never answers would get all the time there is for several.
    """

    def __init__(self, net: NetworkSelector, refusals: Refusals, configuration: dict[str, Any]) -> None:
        super().__init__(net, **configuration, socket_connection_setup_timeout_ms=_SETUP_SECONDS * 1000)
        self._refusals = refusals
        self._all_bootstrap_brokers = self.cluster.bootstrap_brokers()
        self.cluster.bootstrap_brokers = self._best_bootstrap_brokers

    def get_connection(self, node_id: Any, timeout_ms: float | None = None, **options: Any) -> Any:
        if self._refusals.error is not None:
            raise self._refusals.error
        if timeout_ms is not None and self._has_another(node_id):
            timeout_ms = min(timeout_ms, _BOOTSTRAP_SECONDS * 1000)
        return super().get_connection(node_id, timeout_ms=timeout_ms, **options)

    def _has_another(self, node_id: Any) -> bool:
        return self.cluster.is_bootstrap(node_id) and len(self._all_bootstrap_brokers) > 1

    def _best_bootstrap_brokers(self) -> Sequence[Any]:
        """Return those of the bootstrap servers that have failed least often, for the library to take one of them."""
        failures = {
            broker.node_id: self._backoff.get(broker.node_id, (0,))[0] for broker in self._all_bootstrap_brokers
        }
        least = min(failures.values())
        return [broker for broker in self._all_bootstrap_brokers if failures[broker.node_id] == least]

    async def _connect(self, node: Any, conn: Any, **options: Any) -> None:
        conn.init_future.add_errback(self._refusals.note)
        conn.init_future.add_errback(partial(self._tell, node))
        conn._maybe_throttle = partial(self._throttle, conn._maybe_throttle)  # noqa: SLF001 - it has no other place
        await super()._connect(node, conn, **options)

    def _throttle(self, throttle: Callable[[Any], None], response: Any) -> None:
        self._refusals.note_throttling(response)
        throttle(response)

    def _tell(self, node: Any, error: KafkaError) -> None:
        """Log it: kafka-python 3.0.12 names no host, and says nothing of a broker that accepts and never answers."""
        if not self.closed and self._refusals.error is None:
            connections_logger.error("connection to %s failed: %s", _address(node), error)

    async def _build_transport(self, node: Any, **options: Any) -> Any:
        try:
            transport = await super()._build_transport(node, **options)
        except KafkaConnectionError as error:
            raise KafkaConnectionError(": ".join([_address(node), *map(str, error.args)])) from error
        transport._sock_recv = partial(_receive, transport._sock_recv)  # noqa: SLF001 - it has no other place
        return transport


def _address(node: Any) -> str:
    return f"[{node.host}]:{node.port}" if ":" in node.host else f"{node.host}:{node.port}"


def _receive(receive: Callable[[], tuple[bytes, Exception | None]]) -> tuple[bytes, Exception | None]:
    """Return what has come, and the connection's end only when nothing has: the next call finds it again."""
    data, error = receive()
    return data, None if data else error
