"""How kafka-python reports that Kafka refuses access."""

from collections.abc import Callable, Collection, Iterator, Mapping
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

from messaging.seam import AccessRefused
from messaging.security.refusals import certificate_refused, login_refused, right_missing, topic_rights_missing
from messaging.security.settings import SecuritySettings


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
    """Tells of each connection that could not be made, and makes no new one after a refusal.

    A broker that refuses a login answers and closes in one go: kafka-python 3.0.12 would often drop the answer.
    """

    def __init__(self, net: NetworkSelector, refusals: Refusals, configuration: dict[str, Any]) -> None:
        super().__init__(net, **configuration)
        self._refusals = refusals

    def get_connection(self, node_id: Any, **options: Any) -> Any:
        if self._refusals.error is not None:
            raise self._refusals.error
        return super().get_connection(node_id, **options)

    async def _connect(self, node: Any, conn: Any, **options: Any) -> None:
        conn.init_future.add_errback(self._refusals.note)
        conn._maybe_throttle = partial(self._throttle, conn._maybe_throttle)  # noqa: SLF001 - it has no other place
        await super()._connect(node, conn, **options)

    def _throttle(self, throttle: Callable[[Any], None], response: Any) -> None:
        self._refusals.note_throttling(response)
        throttle(response)

    async def _build_transport(self, *arguments: Any, **options: Any) -> Any:
        transport = await super()._build_transport(*arguments, **options)
        transport._sock_recv = partial(_receive, transport._sock_recv)  # noqa: SLF001 - it has no other place
        return transport


def _receive(receive: Callable[[], tuple[bytes, Exception | None]]) -> tuple[bytes, Exception | None]:
    """Return what has come, and the connection's end only when nothing has: the next call finds it again."""
    data, error = receive()
    return data, None if data else error
