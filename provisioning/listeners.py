"""The broker's settings that secure it: TLS on every listener, and a login or a certificate for every client. Pure."""

from collections.abc import Sequence
from pathlib import Path

from provisioning.principals import SUPER_USERS

MECHANISM = "SCRAM-SHA-512"


def secured_properties(secrets: Path, *, logins: Sequence[str], certificates: Sequence[str]) -> dict[str, str]:
    """Return the settings for listeners that ask for a login, and for those that ask for a client's certificate.

    `secrets` is the broker's folder, see provisioning.store. The controller's listener has to be one of the latter.
    """
    protocols = {**dict.fromkeys(logins, "SASL_SSL"), **dict.fromkeys(certificates, "SSL")}
    return {
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(secrets / "key-and-certificate.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(secrets / "ca.pem"),
        "sasl.enabled.mechanisms": MECHANISM,
        **{f"listener.name.{name.lower()}.ssl.client.auth": "required" for name in certificates},
        **{f"listener.name.{name.lower()}.{MECHANISM.lower()}.sasl.jaas.config": _SCRAM for name in logins},
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": ";".join(f"User:CN={name}" for name in SUPER_USERS),
    }


_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
