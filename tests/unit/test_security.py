from pathlib import Path

import pytest

from messaging.confluent.connection import security_configuration
from messaging.security.settings import SecuritySettings
from messaging.settings import ConnectionSettings, TopicSettings
from provisioning.principals import Right, rights
from provisioning.store import make_secrets
from runtime.settings import InvalidSettings, read_settings

HOSTS = ("localhost",)


def security(**texts: str) -> SecuritySettings:
    return read_settings(SecuritySettings, {f"KAFKA_{name}": text for name, text in texts.items()})


def mistakes_of(**texts: str) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        security(**texts)
    return [mistake.name.removeprefix("KAFKA_") for mistake in raised.value.mistakes]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    make_secrets(tmp_path, HOSTS, {})
    return tmp_path


def test_without_settings_nothing_is_secured() -> None:
    assert security_configuration(security()) == {"security.protocol": "PLAINTEXT"}


def test_a_login_needs_user_and_password() -> None:
    assert mistakes_of(SECURITY_PROTOCOL="SASL_SSL") == ["SASL_USERNAME", "SASL_PASSWORD_FILE"]


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        ({"SASL_PASSWORD": "a", "SASL_PASSWORD_FILE": "b"}, ["SASL_PASSWORD"]),
        ({"SASL_PASSWORD_FILE": "/nowhere"}, ["SASL_PASSWORD_FILE"]),
        ({"SASL_PASSWORD": "a", "SSL_CA_FILE": "/nowhere"}, ["SSL_CA_FILE"]),
        ({"SASL_PASSWORD": "a", "SSL_CERTIFICATE_FILE": "/nowhere"}, ["SSL_KEY_FILE"]),
        ({"SASL_PASSWORD": "a", "SSL_KEY_FILE": "/nowhere"}, ["SSL_CERTIFICATE_FILE"]),
        ({"SASL_PASSWORD_FILE": "/nowhere", "SSL_CA_FILE": "/nowhere"}, ["SASL_PASSWORD_FILE", "SSL_CA_FILE"]),
    ],
)
def test_what_cannot_be_used_is_refused_together(texts: dict[str, str], wrong: list[str]) -> None:
    assert mistakes_of(SECURITY_PROTOCOL="SASL_SSL", SASL_USERNAME="user", **texts) == wrong


def test_what_the_protocol_does_not_use_is_refused(secrets: Path) -> None:
    unused = {"SASL_USERNAME": "user", "SASL_PASSWORD": "a", "SSL_CA_FILE": str(secrets / "kafka" / "ca.pem")}
    assert mistakes_of(**unused) == ["SASL_USERNAME", "SASL_PASSWORD", "SSL_CA_FILE"]


def test_a_file_that_is_no_certificate_is_refused(secrets: Path) -> None:
    assert mistakes_of(SECURITY_PROTOCOL="SSL", SSL_CA_FILE=str(secrets / "audit" / "password")) == ["SSL_CA_FILE"]


def test_a_key_that_belongs_to_another_certificate_is_refused(secrets: Path) -> None:
    files = {"CERTIFICATE": secrets / "setup" / "certificate.pem", "KEY": secrets / "authority" / "key.pem"}
    texts = {f"SSL_{name}_FILE": str(path) for name, path in files.items()}
    assert mistakes_of(SECURITY_PROTOCOL="SSL", **texts) == ["SSL_CERTIFICATE_FILE"]


@pytest.mark.parametrize("written", ["pass word", "pass word\n", "pass word\r\n"])
def test_the_line_break_that_ends_the_file_is_not_the_passwords(tmp_path: Path, written: str) -> None:
    (tmp_path / "password").write_bytes(written.encode())
    file = str(tmp_path / "password")
    settings = security(SECURITY_PROTOCOL="sasl_ssl", SASL_USERNAME="user", SASL_PASSWORD_FILE=file)
    assert settings.password == "pass word"  # noqa: S105 - made up


def test_a_password_is_in_no_repr_and_no_mistake() -> None:
    texts = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "user", "KAFKA_SASL_PASSWORD": "secret"}
    assert "secret" not in repr(read_settings(ConnectionSettings, texts))
    with pytest.raises(InvalidSettings) as raised:
        security(SASL_PASSWORD="secret")  # noqa: S106 - made up
    assert "secret" not in str(raised.value)


def test_confluent_checks_the_hosts_name(secrets: Path) -> None:
    configuration = security_configuration(security(SECURITY_PROTOCOL="SSL", SSL_CA_FILE=str(secrets / "audit/ca.pem")))
    assert configuration["ssl.endpoint.identification.algorithm"] == "https"


def test_only_its_owner_reads_a_secret(secrets: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in secrets.rglob("*") if path.is_file()}
    assert {name for name, mode in modes.items() if mode != 0o400} == {"ca.pem", "certificate.pem"}


def test_secrets_are_made_once_and_what_is_deleted_is_replaced(secrets: Path) -> None:
    before = {path: path.read_text() for path in secrets.rglob("*") if path.is_file()}
    assert not make_secrets(secrets, HOSTS, {})
    password = secrets / "detector" / "password"
    password.unlink()
    assert make_secrets(secrets, HOSTS, {}) == [password]
    changed = {path for path, text in before.items() if path.read_text() != text}
    assert changed == {password}


def test_a_new_authority_signs_everything_anew(secrets: Path) -> None:
    (secrets / "authority" / "key.pem").unlink()
    made = make_secrets(secrets, HOSTS, {})
    assert {path.name for path in made} == {"key.pem", "ca.pem", "key-and-certificate.pem", "certificate.pem"}


EVERY = ("transactions", "fraud", "legit", "dead-letter", "rules", "lists", "provenance")


def test_each_may_write_just_what_is_his() -> None:
    table = rights("detector", read_settings(TopicSettings, {}))
    assert [right for right in table if right.operation == "WRITE"] == [
        Right("generator", "WRITE", "TOPIC", "transactions"),
        Right("detector", "WRITE", "TRANSACTIONAL_ID", "detector-", is_prefix=True),
        Right("detector", "WRITE", "TOPIC", "fraud"),
        Right("detector", "WRITE", "TOPIC", "legit"),
        Right("detector", "WRITE", "TOPIC", "dead-letter"),
        Right("detector", "WRITE", "TOPIC", "provenance"),
        Right("operator", "WRITE", "TOPIC", "rules"),
        Right("operator", "WRITE", "TOPIC", "lists"),
    ]


def test_each_may_see_the_settings_of_just_what_concerns_him() -> None:
    table = rights("detector", read_settings(TopicSettings, {}))
    assert {right[:4] for right in table if right.operation == "DESCRIBE_CONFIGS"} == {
        (user, "DESCRIBE_CONFIGS", "TOPIC", topic) for user in ("detector", "audit", "operator") for topic in EVERY
    }


def test_nobody_may_create_alter_or_delete_anything() -> None:
    table = rights("detector", read_settings(TopicSettings, {}))
    assert {right.operation for right in table} == {"READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS"}


def test_each_may_read_just_what_is_his() -> None:
    table = rights("detector", read_settings(TopicSettings, {}))
    assert {right[:4] for right in table if right.operation == "READ"} == {
        ("detector", "READ", "GROUP", "detector"),
        *(("detector", "READ", "TOPIC", topic) for topic in ("transactions", "rules", "lists", "provenance")),
        *((user, "READ", "TOPIC", topic) for user in ("audit", "operator") for topic in EVERY),
    }
