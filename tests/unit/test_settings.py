from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from detector.settings import DetectorSettings
from generator.settings import GeneratorSettings
from runtime.parsing import whole_number
from runtime.settings import (
    InvalidSettings,
    all_settings,
    env_file,
    environment,
    read_settings,
    secrets_in,
    setting,
    unknown_names,
)


@dataclass(frozen=True)
class Inner:
    size: int = setting("SIZE", "3", partial(whole_number, 1, 9), "how large")


@dataclass(frozen=True)
class Outer:
    inner: Inner
    count: int = setting("COUNT", "5", partial(whole_number, 0, 9), "how many")


def mistakes_of(settings_class: type, **texts: str) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        read_settings(settings_class, texts)
    return [mistake.name for mistake in raised.value.mistakes]


def test_what_is_not_set_has_its_default() -> None:
    assert read_settings(Outer, {}) == Outer(Inner(3), 5)


def test_an_empty_text_counts_as_unset() -> None:
    assert read_settings(Outer, {"SIZE": "", "COUNT": "1"}) == Outer(Inner(3), 1)


def test_all_mistakes_are_reported_together() -> None:
    assert mistakes_of(Outer, SIZE="10", COUNT="many") == ["SIZE", "COUNT"]


def test_a_mistake_names_the_value_and_what_is_expected() -> None:
    with pytest.raises(InvalidSettings, match="SIZE='10': expected a whole number from 1 to 9"):
        read_settings(Outer, {"SIZE": "10"})


def test_every_setting_is_listed_in_order() -> None:
    assert [declared.name for declared in all_settings(Outer)] == ["SIZE", "COUNT"]


def test_a_secret_is_found_however_deep_it_is() -> None:
    login = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": "hidden"}
    assert list(secrets_in(read_settings(GeneratorSettings, login))) == ["hidden"]


def test_the_environment_stands_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FROM_FILE=file\nFROM_BOTH=file\nBARE\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FROM_BOTH", "environment")
    found = environment()
    assert (found["FROM_FILE"], found["FROM_BOTH"]) == ("file", "environment")
    assert "BARE" not in found


@pytest.mark.parametrize("line", ["FRAUD_THRESHOLD 500", "FRAUD_THRESHOLD: 500", 'FRAUD_THRESHOLD="500'])
def test_a_line_that_sets_nothing_is_a_mistake_and_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / ".env").write_text(f"LOG_LEVEL=INFO\n\n{line}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSettings, match=r"'\.env': expected a file that can be read: line 3 is not NAME=value"):
        environment()


def test_a_file_that_is_not_text_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=\xff\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSettings, match=r"'\.env': expected a file that can be read: it is not UTF-8"):
        environment()


def test_a_folder_in_the_place_of_the_file_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSettings, match=r"'\.env': expected a file that can be read: it is not a file"):
        environment()


def test_a_name_in_the_file_that_no_part_knows_is_told_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = "FRAUD_THRESHOLD=1\nKAFKA_PORT=1\nCOMPOSE_PROJECT_NAME=x\nNO_COLOR=1\n"
    (tmp_path / ".env").write_text(f"{known}FRAUD_TRESHOLD=100\nXYZ=1\n")
    monkeypatch.chdir(tmp_path)
    assert list(unknown_names(env_file())) == [("FRAUD_TRESHOLD", "; did you mean FRAUD_THRESHOLD?"), ("XYZ", "")]


def test_without_a_file_no_name_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not list(unknown_names(env_file()))


@pytest.mark.parametrize("settings_class", [DetectorSettings, GeneratorSettings])
def test_the_services_defaults_are_valid(settings_class: type) -> None:
    assert read_settings(settings_class, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092,"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost:kafka"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost:65536"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a..b:9092"),
        ("KAFKA_BOOTSTRAP_SERVERS", f"{'a' * 64}:9092"),
        ("KAFKA_CLIENT", "kafka"),
        ("TRANSACTIONS_TOPIC", "tränsactions"),
        ("LEGIT_TOPIC", ".."),
        ("TRANSACTIONS_TOPIC", "__consumer_offsets"),
        ("FRAUD_TOPIC", "__transaction_state"),
        ("LEGIT_TOPIC", "x" * 250),
        ("CONSUMER_GROUP", " "),
        ("TOPIC_PARTITIONS", "0"),
        ("TOPIC_REPLICATION_FACTOR", "1.5"),
        ("FRAUD_THRESHOLD", "-1"),
        ("FRAUD_THRESHOLD", "NaN"),
        ("FRAUD_THRESHOLD", "Infinity"),
        ("FRAUD_THRESHOLD", "a lot"),
        ("FRAUD_THRESHOLD", "1e1002"),
        ("FRAUD_THRESHOLD", "1e-1001"),
        ("FRAUD_RULES", "no_such_module:rule"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("LOG_TRANSACTIONS", "some"),
        ("BATCH_SIZE", "0"),
        ("KAFKA_SESSION_TIMEOUT_MS", "5s"),
        ("KAFKA_TRANSACTION_TIMEOUT_MS", "0"),
        ("DEAD_LETTER_LIMIT", "0"),
        ("HEALTH_FILE", "/no/such/folder/health"),
        ("HEALTH_FILE", "/"),
        ("HEALTH_FILE", "/" + "x" * 300),
    ],
)
def test_the_detector_refuses(name: str, text: str) -> None:
    assert mistakes_of(DetectorSettings, **{name: text}) == [name]


def test_a_health_file_may_be_there_or_be_made(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    for file in (there, tmp_path / "made later"):
        assert read_settings(DetectorSettings, {"HEALTH_FILE": str(file)}).runtime.health_file == str(file)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRANSACTIONS_PER_SECOND", "-1"),
        ("TRANSACTIONS_PER_SECOND", "NaN"),
        ("TRANSACTION_COUNT", "-1"),
        ("RANDOM_SEED", "seed"),
        ("ACCOUNTS", "1"),
    ],
)
def test_the_generator_refuses(name: str, text: str) -> None:
    assert mistakes_of(GeneratorSettings, **{name: text}) == [name]


def test_a_topic_used_twice_is_refused() -> None:
    assert mistakes_of(DetectorSettings, FRAUD_TOPIC="legit") == ["FRAUD_TOPIC", "LEGIT_TOPIC"]
    assert mistakes_of(DetectorSettings, RULES_TOPIC="transactions") == ["TRANSACTIONS_TOPIC", "RULES_TOPIC"]


@pytest.mark.parametrize("servers", ["kafka:9092", "a:1,b-c.d:2", "127.0.0.1:9092", "[::1]:9092"])
def test_servers_are_hosts_with_ports(servers: str) -> None:
    settings = read_settings(DetectorSettings, {"KAFKA_BOOTSTRAP_SERVERS": servers})
    assert settings.connection.bootstrap_servers == servers


def test_a_choice_may_be_written_in_capitals() -> None:
    assert read_settings(DetectorSettings, {"LOG_LEVEL": "DEBUG"}).runtime.log.level == "debug"


def test_the_threshold_is_exact() -> None:
    settings = read_settings(DetectorSettings, {"FRAUD_THRESHOLD": "900.00000000000000001"})
    assert settings.decision.fraud_threshold == Decimal("900.00000000000000001")


def test_a_seed_may_be_missing() -> None:
    assert read_settings(GeneratorSettings, {}).seed is None
    assert read_settings(GeneratorSettings, {"RANDOM_SEED": "-7"}).seed == -7
