"""How librdkafka reports that Kafka refuses access."""

from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaError

from messaging.seam import AccessRefused
from messaging.security.refusals import certificate_refused, login_refused, right_missing, topic_rights_missing
from messaging.security.settings import SecuritySettings

_OF_TLS = (KafkaError._SSL, KafkaError._TRANSPORT)  # noqa: SLF001 - the other one: the broker asks for a certificate
_OF_THE_LIBRARY = "Local: "  # begins its words for what was not the broker's answer, such as a lost connection


class Refusals:
    """Remembers that a login or a certificate was refused.

    librdkafka reports it to `error_cb` and retries for ever; the call in progress just takes its time.
    """

    def __init__(self, security: SecuritySettings) -> None:
        self._security = security
        self._told: str | None = None

    def on_error(self, error: KafkaError) -> None:
        """Take note where it is a refusal, and not a broker that is away or is starting; for `error_cb`."""
        text = error.str()
        if error.code() == KafkaError._AUTHENTICATION and _OF_THE_LIBRARY not in text:  # noqa: SLF001 - so it is called
            self._told = login_refused(self._security, text.partition(": ")[2] or text)
        elif error.code() in _OF_TLS and "certificate" in text.lower():
            self._told = certificate_refused(self._security, text.partition(": ")[2] or text)

    def raise_if_refused(self) -> None:
        """Raise AccessRefused where a refusal has been told of."""
        if self._told is not None:
            raise AccessRefused(self._told)

    def raise_if_unauthorized(
        self, error: KafkaError, operation: str, topics: Iterable[str], group: str, on_group: str = "Read"
    ) -> None:
        """Raise AccessRefused where the error says that the right to the operation is missing."""
        if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
            raise self.missing(dict.fromkeys(topics, operation))
        if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise AccessRefused(right_missing(self._security, on_group, f"group {group}"))
        if error.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            raise AccessRefused(right_missing(self._security, "Write", f"transactional id {group}-*"))

    def missing(self, rights: Mapping[str, str]) -> AccessRefused:
        """Return what to raise where rights on topics are missing, each topic with the operation."""
        return AccessRefused(topic_rights_missing(self._security, rights))
