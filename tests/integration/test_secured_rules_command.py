"""The command line for rules on a secured cluster: as whom it logs in, and which rights that needs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from embedded_kafka.secured import SecuredKafka
from tests.support.rules_command import Answer, RulesCommand
from tests.support.secured import Scene

pytestmark = pytest.mark.integration

WRONG = "not the operator's"
SET = ("set", "night", "amount > 500")
LACKS = "rules: not allowed: KAFKA_SASL_USERNAME=operator lacks the right "


@pytest.fixture
def scene(secured: SecuredKafka, client: str) -> Iterator[Scene]:
    scene = Scene(secured, client)
    scene.allow(scene.table)
    scene.make_topics()
    yield scene
    secured.apply()


@pytest.fixture
def command(scene: Scene, client: str, tmp_path: Path) -> RulesCommand:
    return RulesCommand({**scene.settings("operator"), "KAFKA_CLIENT": client}, tmp_path)


def refused(answer: Answer) -> str:
    """Return what a command that was refused has said last."""
    assert answer.exit_code == 3, answer
    return answer.errors.splitlines()[-1]


def names_of(rules: Sequence[str]) -> Sequence[str]:
    return [line.split()[0] for line in rules[2:]]


def test_the_operator_can_do_everything(command: RulesCommand) -> None:
    assert command.done(*SET)[0].startswith("not tried: there are no transactions in")  # but a record that is none
    assert command.run("list").errors == ""
    assert names_of(command.done("list")) == ["amount_over_threshold", "night"]


@pytest.mark.parametrize("instead", [["DESCRIBE"], []])
def test_without_the_right_to_write_nothing_is_written(
    command: RulesCommand, scene: Scene, instead: Sequence[str]
) -> None:
    scene.withdraw("operator", "WRITE", scene.names.rules, *instead)
    assert refused(command.run(*SET)) == f"{LACKS}Write on topic {scene.names.rules}"
    assert names_of(command.done("list")) == ["amount_over_threshold"]


def test_without_the_right_to_read_there_is_nothing_to_show(command: RulesCommand, scene: Scene) -> None:
    command.done(*SET)
    scene.withdraw("operator", "READ", scene.names.rules)
    assert refused(command.run("list")) == f"{LACKS}Read on topic {scene.names.rules}"


def test_without_the_right_to_read_transactions_a_rule_is_set_untried(command: RulesCommand, scene: Scene) -> None:
    scene.withdraw("operator", "READ", scene.names.transactions, "DESCRIBE")
    tried, version, *_ = command.done(*SET)
    lacks = LACKS.removeprefix("rules: ")
    assert tried == f"not tried on the last transactions: {lacks}Read on topic {scene.names.transactions}"
    assert version == "version 1:"


def test_without_the_right_to_see_settings_it_goes_on(command: RulesCommand, scene: Scene) -> None:
    scene.allow([right for right in scene.table if right.operation != "DESCRIBE_CONFIGS"])
    assert "version 1:" in command.done(*SET)


def test_a_wrong_password_is_said(command: RulesCommand) -> None:
    line = refused(command.run("list", KAFKA_SASL_PASSWORD=WRONG, KAFKA_SASL_PASSWORD_FILE=""))
    assert line.startswith("rules: login refused: KAFKA_SASL_USERNAME=operator ")


def test_a_connection_without_tls_is_said(command: RulesCommand, client: str, tmp_path: Path) -> None:
    servers = command.settings["KAFKA_BOOTSTRAP_SERVERS"]
    without = RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_CLIENT": client}, tmp_path)
    assert "requires TLS" in refused(without.run("list"))
