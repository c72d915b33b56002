"""The commands for lists, as an operator uses them, on a real Kafka."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from decision.list_change import decode
from tests.support.rules_command import RulesCommand
from tests.support.topics import Names, committed, create_topics

# What each command makes of its arguments is told by tests/unit/test_rules_lists*.py.
pytestmark = pytest.mark.integration
with_one_library = pytest.mark.parametrize("client", ["confluent"], indirect=True)  # the other makes no difference

HEAD = "LIST MEMBERS EXPIRED VERSION RULES"


def sizes(broker: str, names: Names) -> Sequence[int]:
    """Return how many members each change set of the topic of lists adds."""
    sets = [decode(record.value) for record in committed(broker, names.lists)]
    return [len(change.add) for each in sets for change in each.changes]


@with_one_library
def test_a_list_is_filled_from_a_file_and_shown_with_the_rules_that_ask_for_it(
    command: RulesCommand, broker: str, names: Names, tmp_path: Path
) -> None:
    file = tmp_path / "accounts"
    file.write_text("".join(f"account-{number}\n" for number in range(12_000)))
    assert command.done("lists", "import", "blocked", str(file), "--note", "from the bank")[0] == "version 2:"
    assert sizes(broker, names) == [10_000, 2_000]
    command.done("set", "night", 'source in list["blocked"]')
    assert command.done("lists", "list") == ["version 2", HEAD, "blocked 12,000 0 2 night"]
    assert command.done("lists", "show", "blocked")[-1] == '"account-11999" 2 from the bank'
    assert command.run("lists", "add", "blocked", "b\udcff").exit_code == 2


@with_one_library
def test_who_comes_second_is_told_what_came_between(command: RulesCommand) -> None:
    command.done("lists", "add", "blocked", "a", "b")
    answer = command.asked(
        *("lists", "remove", "blocked", "--all"),
        meanwhile=lambda: command.done("lists", "add", "blocked", "c", RULES_AUTHOR="berta"),
        reply="y\n",
    )
    assert answer.exit_code == 1
    assert "remove all 2 members of blocked? [y/N]: " in answer.errors
    assert answer.lines[-2].startswith("meanwhile: version 2 ")
    assert answer.lines[-1] == 'blocked 1 member added: "c"'
    assert answer.errors.endswith("rules: nothing has been changed: changed by somebody else meanwhile: blocked\n")
    assert command.done("lists", "list")[-1] == "blocked 3 0 2"
    assert command.done("lists", "history")[-1] == "outdated: changed by somebody else meanwhile: blocked"


def test_change_sets_are_written_in_batches_that_the_topic_takes(
    command: RulesCommand, broker: str, names: Names, tmp_path: Path
) -> None:
    create_topics(broker, names.lists, partitions=1, settings={"max.message.bytes": "600", "retention.ms": "-1"})
    (tmp_path / "accounts").write_text("".join(f"account-{number}\n" for number in range(100)))
    assert command.done("lists", "import", "blocked", str(tmp_path / "accounts"))[1].startswith(
        'blocked 100 members added: "account-0", '
    )
    assert sum(sizes(broker, names)) == 100
    refused = command.run("lists", "add", "blocked", "x" * 256, "--note", "y" * 256)
    assert (refused.exit_code, "the topic takes 600 (max.message.bytes)" in refused.errors) == (2, True)
