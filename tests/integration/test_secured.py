"""A secured cluster: logins and rights; a refusal is one line and exit code 3, and loses nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from embedded_kafka.secured import SecuredKafka
from messaging.settings import TopicSettings
from provisioning.certificates import make_authority
from provisioning.cluster import ITERATIONS, allow_only, open_admin
from provisioning.principals import rights
from runtime.settings import read_settings
from tests.support.secured import PASSWORD
from tests.support.services import Service, Services
from tests.support.waiting import BUSY

pytestmark = pytest.mark.integration

END_SECONDS = 30


@pytest.fixture
def on_secured(client: str, tmp_path: Path) -> Iterator[Services]:
    """Starts services with one client; each needs its credentials."""
    settings = {"KAFKA_CLIENT": client, "TRANSACTIONS_PER_SECOND": "50"}
    with closing(Services(settings, tmp_path)) as services:
        yield services
    print(*services.last_lines(), sep="\n")  # noqa: T201 - pytest shows it where a test has failed


def assert_refused(service: Service, *words: str) -> None:
    assert service.wait(END_SECONDS) == 3
    errors = [line for line in service.lines if " ERROR " in line and "not acknowledged by Kafka" not in line]
    assert len(errors) == 1
    assert all(word in f"{errors[0]}\n" for word in words), errors
    assert not service.matches("Traceback")


def foreign_authority(directory: Path) -> str:
    path = directory / "other-ca.pem"
    path.write_text(make_authority("other").certificate)
    return str(path)


def wrong_password(directory: Path) -> str:
    path = directory / "wrong-password"
    path.write_text("wrong\n")
    return str(path)


def test_wrong_credentials_are_refused(secured: SecuredKafka, on_secured: Services, tmp_path: Path) -> None:
    me = secured.login("generator")
    port = secured.bootstrap_servers.partition(":")[2]
    none = on_secured.start("generator", **{**secured.settings, "KAFKA_SASL_USERNAME": ""})
    plain = on_secured.start("detector", KAFKA_BOOTSTRAP_SERVERS=secured.bootstrap_servers)
    nobody = {name: text for name, text in secured.settings.items() if name != "KAFKA_SASL_MECHANISM"}
    anonymous = on_secured.start("generator", **{**nobody, "KAFKA_SECURITY_PROTOCOL": "SSL"})
    audits = on_secured.start("audit", **{**nobody, "KAFKA_SECURITY_PROTOCOL": "SSL"})
    password = {"KAFKA_SASL_PASSWORD_FILE": wrong_password(tmp_path)}
    wrong = [on_secured.start("generator", **{**me, **password}) for _ in range(3)]
    unknown = on_secured.start("detector", **{**me, "KAFKA_SASL_USERNAME": "nobody"})
    authority = on_secured.start("generator", **{**me, "KAFKA_SSL_CA_FILE": foreign_authority(tmp_path)})
    host = on_secured.start("detector", **{**secured.login("detector"), "KAFKA_BOOTSTRAP_SERVERS": f"127.1:{port}"})
    assert none.wait(END_SECONDS) == 2
    assert_refused(plain, "requires TLS", "KAFKA_SECURITY_PROTOCOL=PLAINTEXT")
    assert_refused(anonymous, "requires a login", "KAFKA_SECURITY_PROTOCOL=SSL must be SASL_SSL")
    assert_refused(audits, "requires a login", "KAFKA_SECURITY_PROTOCOL=SSL must be SASL_SSL")
    for service in wrong:
        assert_refused(service, "login refused", "KAFKA_SASL_USERNAME=generator")
    assert_refused(unknown, "login refused", "KAFKA_SASL_USERNAME=nobody")
    assert_refused(authority, "certificate not trusted", "KAFKA_SSL_CA_FILE=")
    assert_refused(host, "certificate not trusted", "KAFKA_BOOTSTRAP_SERVERS")


def test_a_missing_client_certificate_is_refused(secured: SecuredKafka, on_secured: Services) -> None:
    setup = secured.setup.connection
    by_certificate = {
        "KAFKA_BOOTSTRAP_SERVERS": setup.bootstrap_servers,
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "KAFKA_SSL_CA_FILE": setup.security.ca_file or "",
    }
    shown = {
        "KAFKA_SSL_CERTIFICATE_FILE": setup.security.certificate_file or "",
        "KAFKA_SSL_KEY_FILE": setup.security.key_file or "",
    }
    without = on_secured.start("generator", **by_certificate)
    let_in = on_secured.start("generator", **by_certificate, **shown)
    assert_refused(without, "certificate not trusted", "KAFKA_SSL_CERTIFICATE_FILE")
    let_in.wait_for_line(" SENT ", END_SECONDS)
    assert let_in.stop() == 0


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_every_login_mechanism_is_accepted(secured: SecuredKafka, on_secured: Services, mechanism: str) -> None:
    form = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, ITERATIONS)
    user = UserScramCredentialUpsertion("generator", form, PASSWORD.encode())
    admin = open_admin(secured.setup.connection)  # it has to live until the answer is there
    admin.alter_user_scram_credentials([user])["generator"].result(END_SECONDS * BUSY)
    given = {"KAFKA_SASL_MECHANISM": mechanism, "KAFKA_SASL_USERNAME": "generator", "KAFKA_SASL_PASSWORD": PASSWORD}
    let_in = on_secured.start("generator", **{**secured.settings, **given}, LOG_LEVEL="debug")
    let_in.wait_for_line(" SENT ", END_SECONDS)
    assert let_in.stop() == 0
    assert not [line for line in let_in.lines if PASSWORD in line]


def allow_all_but(kafka: SecuredKafka, principal: str, resource: str, name: str = "") -> None:
    """Give every right of the table, except one principal's on a resource, or on all of its kind."""
    table = rights(kafka.setup.consumer_group, read_settings(TopicSettings, {}))
    taken = [
        right for right in table if right.principal == principal and right.resource == resource and name in right.name
    ]
    assert taken
    allow_only(open_admin(kafka.setup.connection), [right for right in table if right not in taken])


def test_describe_configs_is_not_needed(secured: SecuredKafka, on_secured: Services) -> None:
    table = rights(secured.setup.consumer_group, read_settings(TopicSettings, {}))
    allow_only(
        open_admin(secured.setup.connection), [right for right in table if right.operation != "DESCRIBE_CONFIGS"]
    )
    try:
        pair = [on_secured.start(module, **secured.login(module)) for module in ("generator", "detector")]
        pair[1].wait_for_line(" (LEGIT|FRAUD) ", count=20)
        assert [service.stop() for service in pair] == [0, 0]
        audit = on_secured.start("audit", **secured.login("audit"))
        assert audit.wait(END_SECONDS) == 0
    finally:
        secured.apply()
    warnings = [len(service.matches(" WARNING .* lacks the right DescribeConfigs ")) for service in (*pair, audit)]
    assert warnings == [0, 2, 1]  # the detector reads the topic of rules apart


def test_each_service_has_only_its_own_rights(secured: SecuredKafka, on_secured: Services) -> None:
    generator, detector, audit = map(secured.login, ("generator", "detector", "audit"))
    reads = on_secured.start("detector", **generator, TRANSACTIONS_TOPIC="fraud", FRAUD_TOPIC="transactions")
    writes = on_secured.start("generator", **detector)
    group = on_secured.start("detector", **detector, CONSUMER_GROUP="other")
    judges = on_secured.start("detector", **audit)
    audits = on_secured.start("audit", **generator)
    none = "KAFKA_SASL_USERNAME=generator lacks the right Describe on topic dead-letter, fraud, legit"
    assert_refused(reads, f"{none}, provenance (")
    assert_refused(writes, "KAFKA_SASL_USERNAME=detector lacks the right Write on topic transactions\n")
    assert_refused(group, "KAFKA_SASL_USERNAME=detector lacks the right Write on transactional id other-*")
    assert_refused(judges, "KAFKA_SASL_USERNAME=audit lacks the right Write on transactional id detector-*")
    assert_refused(audits, f"{none} (")


@pytest.mark.parametrize(
    ("loser", "resource", "name", "missing"),
    [
        # All rights on a topic are withdrawn: a client that could still write says so, one that begins anew sees none.
        ("detector", "TOPIC", "fraud", r"(Write on topic fraud|Describe on topic fraud \(.*\))$"),
        ("detector", "TOPIC", "transactions", r"(Read on topic transactions|Describe on topic transactions \(.*\))$"),
        ("detector", "GROUP", "detector", "Read on group detector$"),
        ("detector", "TRANSACTIONAL_ID", "detector-", r"Write on transactional id detector-\*$"),
        ("generator", "TOPIC", "transactions", r"(Write on topic transactions|Describe on topic transactions \(.*\))$"),
    ],
)
def test_nothing_is_lost_when_a_right_is_withdrawn(
    secured: SecuredKafka, on_secured: Services, loser: str, resource: str, name: str, missing: str
) -> None:
    pair = {module: on_secured.start(module, **secured.login(module)) for module in ("generator", "detector")}
    pair["detector"].wait_for_line(" (LEGIT|FRAUD) ", count=20)
    try:
        allow_all_but(secured, loser, resource, name)
        refused = pair.pop(loser)
        assert_refused(refused)
        assert refused.matches(f" not allowed: KAFKA_SASL_USERNAME={loser} lacks the right {missing}"), refused.lines[
            -3:
        ]
    finally:
        secured.apply()
    again = on_secured.start(loser, **secured.login(loser))
    again.wait_for_line({"generator": " SENT ", "detector": " (LEGIT|FRAUD) "}[loser], count=20)
    if loser == "detector":
        assert pair.pop("generator").stop() == 0
    else:
        assert again.stop() == 0
    audit = on_secured.start("audit", **secured.login("audit"))
    assert audit.wait(END_SECONDS) == 0
    assert audit.matches("audit passed: every record is accounted for")
