"""Rules that ask for lists: what is said before they are written, and in files with examples."""

from messaging.batch import Message
from messaging.topics import TopicShape, payments_topics
from rules.settings import RulesSettings
from runtime.settings import read_settings
from tests.support.rules_in_memory import RulesInMemory

SETTINGS = read_settings(RulesSettings, {})
UNCHANGED = "nothing to change: it is so already"
BLOCKED = 'source in list["blocked"]'


def test_a_rule_that_asks_for_a_list_that_is_empty_is_told_so(command: RulesInMemory) -> None:
    missing = "warning: the list blocked does not exist, and counts as empty, until `lists add blocked MEMBER`"
    assert missing in command.done("set", "night", BLOCKED, "--shadow")
    assert missing in command.done("promote", "night")
    command.done("lists", "add", "blocked", "a")
    command.done("lists", "remove", "blocked", "a")
    assert missing.replace("does not exist, and counts as", "is") in command.done("mode", "night", "shadow")
    command.done("lists", "add", "blocked", "a")
    assert not any("warning" in line for line in command.done("mode", "night", "live"))


def test_a_rule_is_tried_with_the_lists_as_they_are(command: RulesInMemory) -> None:
    command.cluster.create_topics(SETTINGS.connection, payments_topics(SETTINGS.topic_creation, ["transactions"]))
    for source in "abc":
        paid = f'{{"id":"1","source":"{source}","target":"b","amount":1}}'.encode()
        command.cluster.append(Message("transactions", b"k", paid, (), 0, 0))
    command.done("lists", "add", "blocked", "a", "b")
    assert command.done("set", "night", BLOCKED)[0] == "of the last 3 transactions it hits 2, and is undecided on 0"


def test_a_file_of_rules_has_lists_for_its_examples_only(command: RulesInMemory) -> None:
    file = command.file(f"""
        [rules.night]
        when = '{BLOCKED}'
        [lists]
        blocked = ["a", 1]
        [[examples]]
        transaction = '{{"id":"1","source":"a","target":"b","amount":1}}'
        hits = ["night"]
        """)
    assert command.done("check", file)[0].endswith("is valid; rules: 1, examples: 1")
    assert command.done("test", file) == ["examples: 1, failed: 0"]
    assert command.done("apply", file, "--yes")[0] == (
        "the lists of the file are for its examples only; `lists` changes those in Kafka"
    )
    assert command.done("lists", "list")[-1] == "blocked 0 0 - night"


def test_a_file_of_rules_warns_of_empty_lists(command: RulesInMemory) -> None:
    file = command.file(f"rules.night.when = '{BLOCKED}'")
    assert command.done("apply", file, "--yes")[1] == (
        "warning: the list blocked does not exist, and counts as empty, until `lists add blocked MEMBER`"
    )


def test_without_the_lists_a_rule_is_set_untried(command: RulesInMemory) -> None:
    command.cluster.create_topics(SETTINGS.connection, {"lists": TopicShape(2, 1)})
    problem = "LISTS_TOPIC=lists has 2 partitions, in which a history has no order: it must have one"
    assert command.done("set", "night", BLOCKED) == [
        f"not tried on the last transactions, as its lists are not known: {problem}",
        *("version 1:", f"night new: live, 100 points: {BLOCKED}"),
    ]
    file = command.file(f"rules.other.when = '{BLOCKED}'")
    assert f"warning: which lists are empty is not known: {problem}" in command.done("apply", file, "--yes")


def test_of_rules_that_ask_for_no_list_the_topic_is_not_read(command: RulesInMemory) -> None:
    command.done("set", "night", "amount > 5")
    assert "lists" not in command.cluster.logs
