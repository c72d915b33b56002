"""What librdkafka tells of a refusal, and how; for those who use that library."""

from collections.abc import Iterable

from confluent_kafka import KafkaError

from messaging.client import AccessRefused
from messaging.refusals import certificate_refused, login_refused, right_missing
from messaging.security import SecuritySettings

_OF_TLS = (KafkaError._SSL, KafkaError._TRANSPORT)  # noqa: SLF001 - the other one: the broker asks for a certificate
_OF_THE_LIBRARY = "Local: "  # begins its words for what was not the broker's answer, such as a lost connection


class Refusals:
    """Remembers that a login or a certificate was refused.

    librdkafka tells its `error_cb` so and tries again for ever; the call that is under way just takes its time.
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

    def check(self) -> None:
        """Raise AccessRefused where a refusal has been told of."""
        if self._told is not None:
            raise AccessRefused(self._told)

    def check_right(
        self, error: KafkaError, operation: str, topics: Iterable[str], group: str, on_group: str = "Read"
    ) -> None:
        """Raise AccessRefused where the error says that the right to the operation is missing."""
        missing = {
            KafkaError.TOPIC_AUTHORIZATION_FAILED: (operation, f"topic {', '.join(sorted(set(topics)))}"),
            KafkaError.GROUP_AUTHORIZATION_FAILED: (on_group, f"group {group}"),
            KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ("Write", f"transactional id {group}-*"),
            KafkaError.CLUSTER_AUTHORIZATION_FAILED: (operation, f"topic {', '.join(sorted(set(topics)))}"),
        }
        if error.code() in missing:
            raise AccessRefused(right_missing(self._security, *missing[error.code()]))
