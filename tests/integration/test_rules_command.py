"""The command line for rules, as an operator uses it, on a real Kafka."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.rules_command import FILE, OVER_500, RulesCommand
from tests.support.topics import Names, committed, create_topics, message, write

# The libraries make no difference to what is asked here; test_rules_at_once.py has both.
pytestmark = [pytest.mark.integration, pytest.mark.parametrize("client", ["confluent"], indirect=True)]

NOT_TRIED = "not tried"


def written(answer: Sequence[str]) -> Sequence[str]:
    """Return the lines of an answer from that of the version on."""
    return [line for line in answer if not line.startswith(NOT_TRIED)]


def test_a_rule_is_tried_beside_the_live_one_and_then_takes_its_place(command: RulesCommand) -> None:
    assert command.done("list") == [
        "version 0",
        "NAME MODE POINTS SHARE VERSION NOTE WHEN",
        "amount_over_threshold live 100 100 % - given by FRAUD_THRESHOLD amount > 900",
    ]
    set_live = command.done("set", "night", OVER_500, "--points", "60", "--note", "nights")
    assert written(set_live) == ["version 1:", "night new: live, 60 points: amount > 500 (nights)"]
    set_shadow = command.done("set", "night", "amount > 400", "--shadow", "--share", "10")
    candidate = "60 points, 10 % of accounts: amount > 400 (nights)"
    assert written(set_shadow) == ["version 2:", f"night (candidate) new: {candidate}"]
    assert command.done("list")[3:] == [
        "night live 60 100 % 2 nights amount > 500",
        "candidate shadow 60 10 % nights amount > 400",
    ]
    assert written(command.done("promote", "night")) == [
        "version 3:",
        "night share: 100 -> 10",
        "night when: amount > 500 -> amount > 400",
        f"night (candidate) removed; it was {candidate}",
    ]
    assert command.done("promote", "night") == ["nothing to change: it is so already"]
    assert command.done("remove", "night")[0] == "version 4:"
    assert len(command.done("history")) == 4 + 6
    assert command.run("history", "nothing").errors == "rules: there is no rule nothing\n"


def test_a_bad_expression_never_reaches_the_topic(command: RulesCommand, broker: str, names: Names) -> None:
    command.done("set", "night", OVER_500)
    refused = command.run("set", "night", "amont > 400")
    assert refused == (2, "", "rules: there is no name amont; did you mean amount?\n  amont > 400\n  ^\n")
    for bad in (["a b", OVER_500], ["x", OVER_500, "--share", "101"], ["x", OVER_500, "--points", '"x"'], ["x"]):
        assert command.run("set", *bad).exit_code == 2
    assert len(committed(broker, names.rules)) == 1
    assert "points: 100 -> 60" in command.done("set", "night", "--points", "60")[-1]


def test_a_rule_is_tried_on_the_last_transactions_before_it_is_written(
    command: RulesCommand, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=2)
    paid = [f'{{"id":"{n}","source":"a","target":"b","amount":{n}}}'.encode() for n in range(1, 1301)]
    sent = [message(names.transactions, value, timestamp=10_000 + n, partition=n % 2) for n, value in enumerate(paid)]
    write(broker, [*sent, message(names.transactions, b"not a transaction", timestamp=20_000)])
    answer = command.done("set", "a", 'amount <= 302 or (amount > 1290 and field["contry"] == "NG")', "--dry-run")
    assert answer == [
        "of the last 999 transactions it hits 1, and is undecided on 10",
        'warning: none of them has field["contry"]',
        'a new: live, 100 points: amount <= 302 or (amount > 1290 and field["contry"] == "NG")',
    ]
    assert committed(broker, names.rules) == []
    assert "it hits 800," in command.done("set", "a", OVER_500)[0]
    command.done("set", "a", "amount > 600", "--shadow")
    assert "it hits 700," in command.done("promote", "a")[0]
    command.done("mode", "a", "off")
    assert "it hits 700," in command.done("mode", "a", "live")[0]


def test_rules_go_from_a_file_to_the_topic_and_back(command: RulesCommand, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(FILE)
    command.done("set", "old", OVER_500)
    assert command.run("apply", str(file)).exit_code == 2  # nobody can be asked
    assert command.done("apply", str(file), "--yes")[-1] == "version 2: it is so now"
    exported = command.run("export").output
    assert tomllib.loads(exported)["rules"].keys() == {"night", "abroad"}
    file.write_text(exported)
    assert command.done("apply", str(file)) == ["nothing to change: it is so already"]


def test_an_earlier_version_is_restored_by_a_new_one(command: RulesCommand, tmp_path: Path) -> None:
    command.done("set", "old", OVER_500)
    before = command.run("export").output
    (tmp_path / "rules.toml").write_text(FILE)
    command.done("apply", str(tmp_path / "rules.toml"), "--yes", RULES_AUTHOR="berta")
    dry = command.done("rollback", "1", "--dry-run")
    assert command.done("rollback", "1") == ["version 3:", *dry]
    assert command.run("export").output == before
    assert command.done("rollback", "1") == ["nothing to change: it is so already"]
    assert command.run("rollback", "9").errors == "rules: there is no version 9 yet; the last one is 3\n"
    told = json.loads(command.run("history", "--json").output)
    assert [(each["version"], each["author"]) for each in told] == [(1, "anna"), (2, "berta"), (3, "anna")]
    assert {change["name"] for change in told[2]["changes"]} == {"old", "night", "abroad"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", each["time"]) for each in told)


def test_the_threshold_of_the_setting_holds_until_the_topic_has_the_rule(command: RulesCommand) -> None:
    name = "amount_over_threshold"
    assert command.done("show", name, FRAUD_THRESHOLD="1000")[-2:] == [
        "when amount > 1000",
        "changed given by FRAUD_THRESHOLD",
    ]
    command.done("set", name, "amount > 800", "--shadow")
    assert command.done("list")[2:] == [
        f"{name} live 100 100 % 1 given by FRAUD_THRESHOLD amount > 900",
        "candidate shadow 100 100 % amount > 800",
    ]
    command.done("promote", name)
    assert command.done("list")[2:] == [f"{name} live 100 100 % 2 amount > 800"]
    assert command.done("remove", name)[-1] == f"{name} is given by FRAUD_THRESHOLD again: amount > 900"
    assert command.run("remove", name).exit_code == 2
    command.done("mode", name, "off")
    assert command.done("list")[2:] == [f"{name} off 100 100 % 4 amount > 900"]


def test_only_the_candidate_can_be_removed(command: RulesCommand) -> None:
    command.done("set", "night", OVER_500)
    command.done("set", "night", "amount > 1", "--shadow")
    assert command.done("remove", "night", "--candidate")[0] == "version 3:"
    assert command.run("remove", "night", "--candidate").errors == "rules: night has no candidate\n"
    assert command.done("show", "night")[-1].startswith("changed version 3, ")
