"""Members of lists from files: how they are read, and written in several change sets."""

import json

import rules.list_history
from decision.list_change import ListChange, decode, encode
from rules.settings import RulesSettings
from runtime.settings import read_settings
from tests.support.lists import added, list_set
from tests.support.rules_in_memory import RulesInMemory

SETTINGS = read_settings(RulesSettings, {})
UNCHANGED = "nothing to change: it is so already"
BLOCKED = 'source in list["blocked"]'


def test_a_large_file_becomes_several_change_sets(command: RulesInMemory) -> None:
    file = command.file("".join(f"account-{n:012}\n" for n in range(25_000)))
    assert command.done("lists", "import", "blocked", file)[0] == "version 3:"
    sets = [decode(record.value) for record in command.written]
    assert [len(each.changes[0].add) for each in sets] == [10_000, 10_000, 5_000]
    assert command.done("lists", "import", "blocked", file) == [UNCHANGED]


def test_change_sets_stay_well_below_what_the_topic_takes(command: RulesInMemory) -> None:
    members = [f"{n:05}{chr(0x1F4B6) * 250}" for n in range(1_500)]
    command.done("lists", "import", "blocked", command.file("\n".join(members)))
    assert max(len(record.value or b"") for record in command.written) <= 500_000
    assert [member for record in command.written for member in decode(record.value).changes[0].add] == members


def test_an_interrupted_import_is_completed_by_repeating_it(command: RulesInMemory) -> None:
    members = [f"a{n}" for n in range(25_000)]
    file = command.file("\n".join(members))
    command.done("lists", "add", "blocked", "first")
    command.write(encode(list_set(added(*members[:10_000], base=1))))
    assert command.done("lists", "import", "blocked", file)[:2] == [
        "10,000 of 25,000 are in blocked already",
        "version 4:",
    ]
    assert command.done("lists", "list")[-1] == "blocked 25,001 0 4"


def test_a_file_has_one_member_a_line(command: RulesInMemory) -> None:
    file = command.file("\ufeffa\r\n\n b \nc\u2028d\n\ta\na\nlast".encode())
    command.done("lists", "import", "x", file)
    assert [each["member"] for each in json.loads(command.run("lists", "show", "x", "--json").output)] == [
        *("a", " b ", "c\u2028d", "\ta", "last")
    ]
    command.done("lists", "import", "y", command.file('"a"\n1\n1.0\ntrue\n\n"1"'), "--json")
    assert [each["member"] for each in json.loads(command.run("lists", "show", "y", "--json").output)] == [
        *("a", 1, True, "1")
    ]
    assert command.done("lists", "import", "y", command.file("\n\n")) == [
        "nothing to change: there are no members in it"
    ]


def test_change_sets_are_halved_until_they_fit_or_have_one_member() -> None:
    change = ListChange("x", 7, add=["a" * 100, "b" * 100, "c"], remove=["a", "b"])
    sets = rules.list_history.change_sets(change, "anna", "1", 400)
    assert [(each.changes[0].add, each.changes[0].remove) for each in sets] == [
        *((["a" * 100], ["a"]), (["b" * 100, "c"], ["b"]))
    ]
    assert [each.id for each in sets] == ["1-0", "1-1"]


def test_bad_lines_are_named_and_nothing_is_written(command: RulesInMemory) -> None:
    file = command.file(b"good\n\xff\n%s\nalso good" % (b"x" * 257))
    expected = "a member is a text of at most 256 characters, a number of at most 50 digits, true or false"
    assert command.refused("lists", "import", "x", file) == (
        f"rules: {file}, line 2: it is not UTF-8\n{file}, line 3: {expected}\n"
    )
    assert "lists" not in command.cluster.logs


def test_no_more_than_ten_bad_lines_are_read(command: RulesInMemory) -> None:
    file = command.file("{}\n" * 100)
    assert command.refused("lists", "import", "x", file, "--json").count("\n") == 10
