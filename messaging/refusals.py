"""What the services say when Kafka refuses them: one line, which names what is refused and what is missing."""

from messaging.security import SecuritySettings


def login_refused(security: SecuritySettings, detail: str) -> str:
    """Say that the user, the password or the mechanism is wrong."""
    return (
        f"login refused: KAFKA_SASL_USERNAME={security.username} with KAFKA_SASL_MECHANISM={security.mechanism}: "
        f"wrong user, password or mechanism ({detail})"
    )


def certificate_refused(security: SecuritySettings, detail: str) -> str:
    """Say that this side does not trust the broker's certificate, or the broker not this side's."""
    return (
        f"no trust in a certificate: KAFKA_SSL_CA_FILE={security.ca_file or ''} has to hold the authority of a broker "
        f"whose certificate is for the host in KAFKA_BOOTSTRAP_SERVERS, and KAFKA_SSL_CERTIFICATE_FILE="
        f"{security.certificate_file or ''} what the broker asks for ({detail})"
    )


def right_missing(security: SecuritySettings, operation: str, resource: str) -> str:
    """Say which ACL is missing: `operation` in Kafka's words, `resource` as in `topic fraud`."""
    return f"not allowed: {_principal(security)} lacks the right {operation} on {resource}"


def _principal(security: SecuritySettings) -> str:
    if security.has_login:
        return f"KAFKA_SASL_USERNAME={security.username}"
    if security.certificate_file is not None:
        return f"KAFKA_SSL_CERTIFICATE_FILE={security.certificate_file}"
    return "a client without a login or a certificate"
