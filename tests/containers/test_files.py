"""What the two compose files say, before any container is there."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.containers import stack

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("compose_command")]

FIXED = {"KAFKA_BOOTSTRAP_SERVERS", "HEALTH_FILE"}
SERVICES = (*stack.PAIR, "audit", "rules")
ALL_OF_THEM = ("--profile", "audit", "--profile", "rules")
HAS_A_DEFAULT = {"RULES_AUTHOR"}
COLORS = {"FORCE_COLOR", "NO_COLOR"}


def model(*files: str, settings: Mapping[str, str] | None = None, env_file: str = "/dev/null") -> Any:
    done = stack.run(stack.compose_words(*files, "config", "--format", "json", env_file=env_file), settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def passed_on(service: str) -> dict[str, str]:
    """Return a value of its own for everything that a service shall be given."""
    return {name: f"value-of-{name}" for name in {*stack.settings_of(service), *COLORS} - FIXED}


@pytest.mark.parametrize(
    "files",
    [(), stack.KAFKA_ALONE, stack.CLUSTER, stack.SECURED],
    ids=["everything", "Kafka alone", "three brokers", "secured"],
)
def test_compose_takes_the_files_without_a_word(files: tuple[str, ...]) -> None:
    done = stack.run(stack.compose_words(*files, "config", "--quiet"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_passed_on_from_the_shell(service: str) -> None:
    given = model(*ALL_OF_THEM, settings=passed_on(service))["services"][service]["environment"]
    assert given == {**passed_on(service), "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}


@pytest.mark.parametrize("service", stack.PAIR)
def test_every_setting_is_passed_on_from_an_env_file_in_the_folder(service: str, tmp_path: Path) -> None:
    for file in stack.ROOT.glob("docker-compose*.yml"):
        shutil.copy(file, tmp_path)
    values = {**passed_on(service), **dict.fromkeys(FIXED, "not-for-containers:9092")}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    done = stack.run(["docker", "compose", "config", "--format", "json"], folder=tmp_path)
    given = json.loads(done.stdout)["services"][service]["environment"]
    assert given == {**passed_on(service), "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_setting_that_is_not_set_stays_unset(service: str) -> None:
    given = model(*ALL_OF_THEM)["services"][service]["environment"]
    is_set = {name for name, value in given.items() if value is not None}
    assert is_set - HAS_A_DEFAULT == {"KAFKA_BOOTSTRAP_SERVERS", "FORCE_COLOR"}


@pytest.mark.parametrize(
    ("settings", "author"), [({}, ""), ({"USER": "anna"}, "anna"), ({"USER": "anna", "RULES_AUTHOR": "berta"}, "berta")]
)
def test_the_author_of_a_change_is_who_starts_the_container(settings: Mapping[str, str], author: str) -> None:
    given = model(*ALL_OF_THEM, settings={"USER": "", **settings})["services"]["rules"]["environment"]
    assert given["RULES_AUTHOR"] == author


@pytest.mark.parametrize("service", ["audit", "rules"])
def test_what_ends_by_itself_runs_only_when_asked_for(service: str) -> None:
    assert set(model()["services"]) == {"kafka", *stack.PAIR}
    assert model(*ALL_OF_THEM)["services"][service]["restart"] == "no"


def test_both_files_mean_the_same_kafka() -> None:
    alone, whole = model(*stack.KAFKA_ALONE), model()
    assert alone["services"]["kafka"] == whole["services"]["kafka"]
    for part in ("name", "networks", "volumes"):
        assert alone[part] == whole[part]


def test_both_files_are_the_same_project_by_themselves() -> None:
    names = []
    for file in ("docker-compose.yml", "docker-compose.kafka.yml"):
        (line,) = [line for line in (stack.ROOT / file).read_text().splitlines() if line.startswith("name:")]
        names.append(line)
    assert names == ["name: fraud-detection"] * 2


def test_kafka_is_published_on_this_machine_only() -> None:
    (port,) = model()["services"]["kafka"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "29092", 29092)


def test_everything_joins_just_the_network_named_kafka_network() -> None:
    whole = model()
    assert [network["name"] for network in whole["networks"].values()] == [stack.NETWORK]
    for service in whole["services"].values():
        assert list(service["networks"]) == list(whole["networks"])
