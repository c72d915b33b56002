"""How the connection to Kafka is secured: the settings, checked."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from runtime.parsing import optional_text
from runtime.redaction import HIDDEN
from runtime.settings import InvalidSettings, Mistake, setting

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_NO_PASSWORD = ""  # with None, a key that has one would be asked for on the terminal


def protocol(text: str) -> str:
    """Return one of Kafka's security protocols, in capitals."""
    return _one_of(PROTOCOLS, text)


def mechanism(text: str) -> str:
    """Return one of the SASL mechanisms that both libraries have, in capitals."""
    return _one_of(MECHANISMS, text)


@dataclass(frozen=True)
class SecuritySettings:
    """The protocol, the login and the certificates; what does not fit together is refused."""

    protocol: str = setting(
        "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", protocol, "how to connect: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    mechanism: str = setting(
        "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", mechanism, "how to log in: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    username: str | None = setting("KAFKA_SASL_USERNAME", "", optional_text, "the user to log in as")
    given_password: str | None = setting(
        "KAFKA_SASL_PASSWORD", "", optional_text, "the password; a file is safer", is_secret=True
    )
    password_file: str | None = setting(
        "KAFKA_SASL_PASSWORD_FILE", "", optional_text, "the file that holds the password"
    )
    ca_file: str | None = setting(
        "KAFKA_SSL_CA_FILE", "", optional_text, "the CAs to trust, as PEM; empty: those of the system"
    )
    certificate_file: str | None = setting(
        "KAFKA_SSL_CERTIFICATE_FILE", "", optional_text, "this client's certificate, as PEM, if Kafka asks for one"
    )
    key_file: str | None = setting(
        "KAFKA_SSL_KEY_FILE", "", optional_text, "the key of that certificate, as PEM, without a password"
    )

    def __post_init__(self) -> None:
        """Refuse what does not fit together, and files that cannot be used, before Kafka is touched."""
        mistakes = [*_mistakes_of_login(self), *_mistakes_of_tls(self)]
        if mistakes:
            raise InvalidSettings(mistakes)

    @property
    def has_login(self) -> bool:
        """Whether the protocol asks for a user and a password."""
        return self.protocol.startswith("SASL_")

    @property
    def has_tls(self) -> bool:
        """Whether the protocol encrypts."""
        return self.protocol.endswith("SSL")

    @cached_property
    def password(self) -> str | None:
        """The password, given or from its file, which may end in one line break."""
        password = self.given_password
        if self.password_file is not None:
            password = Path(self.password_file).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        return password

    @property
    def secrets(self) -> Sequence[str]:
        """What the log must not show."""
        return [self.password] if self.password else []

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """What Python needs for TLS: the host's name is checked, and 1.2 is the oldest version."""
        if not self.has_tls:
            return None
        context = _context()
        if self.ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file, _NO_PASSWORD)
        return context


def _one_of(choices: tuple[str, ...], text: str) -> str:
    if text.upper() not in choices:
        raise ValueError("one of " + ", ".join(choices))
    return text.upper()


def _mistakes_of_login(settings: SecuritySettings) -> Iterator[Mistake]:
    hidden = HIDDEN if settings.given_password else None
    if not settings.has_login:
        yield from _unused(settings, "KAFKA_SASL_USERNAME", settings.username)
        yield from _unused(settings, "KAFKA_SASL_PASSWORD", hidden)
        yield from _unused(settings, "KAFKA_SASL_PASSWORD_FILE", settings.password_file)
        return
    if settings.username is None:
        yield Mistake("KAFKA_SASL_USERNAME", "", f"the user, because KAFKA_SECURITY_PROTOCOL={settings.protocol}")
    if settings.given_password and settings.password_file:
        yield Mistake("KAFKA_SASL_PASSWORD", HIDDEN, "either it or KAFKA_SASL_PASSWORD_FILE, not both")
    elif settings.password_file:
        yield from _unusable("KAFKA_SASL_PASSWORD_FILE", settings.password_file, partial(_expect_password, settings))
    elif not settings.given_password:
        yield Mistake("KAFKA_SASL_PASSWORD_FILE", "", "a file that holds the password, or KAFKA_SASL_PASSWORD")


def _mistakes_of_tls(settings: SecuritySettings) -> Iterator[Mistake]:
    ca, certificate, key = settings.ca_file, settings.certificate_file, settings.key_file
    if not settings.has_tls:
        yield from _unused(settings, "KAFKA_SSL_CA_FILE", ca)
        yield from _unused(settings, "KAFKA_SSL_CERTIFICATE_FILE", certificate)
        yield from _unused(settings, "KAFKA_SSL_KEY_FILE", key)
        return
    if ca:
        yield from _unusable("KAFKA_SSL_CA_FILE", ca, partial(_context().load_verify_locations, ca))
    if certificate and key:
        load = partial(_context().load_cert_chain, certificate, key, _NO_PASSWORD)
        yield from _unusable("KAFKA_SSL_CERTIFICATE_FILE", certificate, load)
    elif certificate:
        yield Mistake("KAFKA_SSL_KEY_FILE", "", "the key that belongs to KAFKA_SSL_CERTIFICATE_FILE")
    elif key:
        yield Mistake("KAFKA_SSL_CERTIFICATE_FILE", "", "the certificate that belongs to KAFKA_SSL_KEY_FILE")


def _unused(settings: SecuritySettings, name: str, text: str | None) -> Iterator[Mistake]:
    if text is not None:
        yield Mistake(name, text, f"nothing, because KAFKA_SECURITY_PROTOCOL={settings.protocol} does not use it")


def _unusable(name: str, path: str, use: Callable[[], None]) -> Iterator[Mistake]:
    try:
        use()
    except ssl.SSLError as error:
        yield Mistake(name, path, f"PEM, and a certificate with the key that belongs to it: {error.reason or error}")
    except UnicodeDecodeError:
        yield Mistake(name, path, "a file that can be used: it is not UTF-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield Mistake(name, path, f"a file that can be used: {reason}")


def _expect_password(settings: SecuritySettings) -> None:
    if not settings.password:
        raise ValueError("it holds no password")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
