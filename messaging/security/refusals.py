"""What the services say when Kafka refuses access: one line that names what is refused and what is missing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from messaging.security.settings import SecuritySettings


def login_refused(security: SecuritySettings, detail: str) -> str:
    """Say that the user, the password or the mechanism is wrong."""
    return (
        f"login refused: KAFKA_SASL_USERNAME={security.username} with KAFKA_SASL_MECHANISM={security.mechanism}: "
        f"wrong user, password or mechanism ({detail})"
    )


def certificate_refused(security: SecuritySettings, detail: str) -> str:
    """Say that this side does not trust the broker's certificate, or the broker not this side's."""
    return (
        f"certificate not trusted ({detail}): KAFKA_SSL_CA_FILE={security.ca_file or ''} must hold the broker's CA, "
        f"the broker's certificate must name the host in KAFKA_BOOTSTRAP_SERVERS, and KAFKA_SSL_CERTIFICATE_FILE="
        f"{security.certificate_file or ''} must be trusted by the broker if it asks for one"
    )


def right_missing(security: SecuritySettings, operation: str, resource: str) -> str:
    """Say which ACL is missing: `operation` in Kafka's words, `resource` as in `group detector`."""
    return f"not allowed: {_lacks(security)} {operation} on {resource}"


def topic_rights_missing(security: SecuritySettings, missing: Mapping[str, str]) -> str:
    """Say which ACLs are missing: topics, each with the operation in Kafka's words."""
    topics: defaultdict[str, list[str]] = defaultdict(list)
    for topic in sorted(missing):
        topics[missing[topic]].append(topic)
    rights = [_right(operation, names) for operation, names in topics.items()]
    return f"not allowed: {_lacks(security)} {' and '.join(rights)}"


def settings_hidden(security: SecuritySettings, topics: Sequence[str], max_message_bytes: int) -> str:
    """Say that the topics' settings may not be seen, and what is assumed."""
    return (
        f"{_lacks(security)} {_right('DescribeConfigs', topics)}: assuming Kafka's defaults, "
        f"max.message.bytes={max_message_bytes} and any timestamp"
    )


def _right(operation: str, topics: Sequence[str]) -> str:
    hint = " (Read and Write include it)" if operation == "Describe" else ""
    return f"{operation} on topic {', '.join(topics)}{hint}"


def _lacks(security: SecuritySettings) -> str:
    return f"{_principal(security)} lacks the right"


def _principal(security: SecuritySettings) -> str:
    if security.has_login:
        return f"KAFKA_SASL_USERNAME={security.username}"
    if security.certificate_file is not None:
        return f"KAFKA_SSL_CERTIFICATE_FILE={security.certificate_file}"
    return "a client without a login or a certificate"
