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


def test_lists_need_rights_of_their_own(command: RulesCommand, scene: Scene) -> None:
    lists = scene.names.lists
    assert command.done("lists", "add", "blocked", "a")[0] == "version 1:"
    scene.withdraw("operator", "WRITE", lists)
    assert refused(command.run("lists", "add", "blocked", "b")) == f"{LACKS}Write on topic {lists}"
    scene.withdraw("operator", "READ", lists)
    assert refused(command.run("lists", "show", "blocked")) == f"{LACKS}Read on topic {lists}"
    tried, version, *_ = command.done("set", "night", 'source in list["blocked"]')
    lacks = LACKS.removeprefix("rules: ")
    assert tried == f"not tried on the last transactions, as its lists are not known: {lacks}Read on topic {lists}"
    assert version == "version 1:"


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


def test_the_operator_can_explain_verdicts_as_far_as_he_may_read(command: RulesCommand, scene: Scene) -> None:
    ask = "explain", scene.names.transactions, "0", "0"
    assert command.done(*ask)[-1].startswith(f"note PROVENANCE_TOPIC={scene.names.provenance} has no note of the group")
    lacks = LACKS.removeprefix("rules: ")
    for topic, said in (
        (scene.names.provenance, f"what it was judged with is not known: PROVENANCE_TOPIC={scene.names.provenance}"),
        (scene.names.fraud, "its output was not looked for"),
    ):
        scene.withdraw("operator", "READ", topic)
        described = f"{lacks}Describe on topic {topic} (Read and Write include it)"
        assert f"note {said}: {described}" in command.done(*ask)
    scene.withdraw("operator", "READ", scene.names.transactions, "DESCRIBE")
    assert refused(command.run(*ask)) == f"{LACKS}Read on topic {scene.names.transactions}"


def test_a_record_that_is_given_is_explained_without_what_may_not_be_read(command: RulesCommand, scene: Scene) -> None:
    command.done(*SET)
    scene.withdraw("operator", "READ", scene.names.rules)
    first, *_ = command.done("explain", '{"id":"1","source":"a","target":"b","amount":1}')
    assert first.startswith(f"by the settings here alone: RULES_TOPIC={scene.names.rules}: not allowed: ")


def test_a_wrong_password_is_said(command: RulesCommand) -> None:
    line = refused(command.run("list", KAFKA_SASL_PASSWORD=WRONG, KAFKA_SASL_PASSWORD_FILE=""))
    assert line.startswith("rules: login refused: KAFKA_SASL_USERNAME=operator ")


def test_a_connection_without_tls_is_said(command: RulesCommand, client: str, tmp_path: Path) -> None:
    servers = command.settings["KAFKA_BOOTSTRAP_SERVERS"]
    without = RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_CLIENT": client}, tmp_path)
    assert "requires TLS" in refused(without.run("list"))
