"""The commands for lists: what is not allowed, what somebody else was first with, and what nobody knows."""

import pytest

from decision.list_change import ListChange, encode
from messaging.batch import Message
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings
from messaging.topics import TopicShape
from rules.settings import RulesSettings
from runtime.settings import read_settings
from tests.support.in_memory_client import InMemoryCluster, InMemoryPublisher
from tests.support.lists import added, list_set
from tests.support.rules_in_memory import RulesInMemory

SETTINGS = read_settings(RulesSettings, {})
UNCHANGED = "nothing to change: it is so already"
BLOCKED = 'source in list["blocked"]'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "blockd"], "there is no list blockd; did you mean blocked?"),
        (["show", "other"], "there is no list other"),
        (["history", "other"], "there is no list other"),
        (["remove", "other", "a"], "there is no list other"),
        (["remove", "other", "--all"], "there is no list other"),
        (["remove", "blocked"], "either members are named, or --all"),
        (["remove", "blocked", "a", "--all"], "either members are named, or --all"),
        (["add", "blocked"], "Missing argument 'MEMBERS...'."),
        (["add", "a b", "x"], "a list's name begins with a letter or a digit"),
        (["add", "\x1b[31m", "x"], "a list's name begins with a letter or a digit"),
        (["add", "x", "a", "--note", "a\nb"], "a note is one line of at most 1,000 characters"),
        (["add", "x", "a", "--expires", "soon"], '"soon" is not a time such as 2026-12-24T18:00:00Z'),
        (["add", "x", "a", "--expires", "\x1b[31m"], r'"\u001b[31m" is not a time such as 2026-12-24T18:00:00Z'),
        (["add", "x", "a", "--expires", "soon", "--for", "3d"], "either --expires or --for"),
        (["add", "x", "a", "--for", "3"], "3: a duration is expected, such as 90m, 12h, 30d or 4w"),
        (["add", "x", "a", "--for", "999999999w"], "999999999w from now is beyond the year 9999"),
        (["add", "x", "a", "--for", "9999999w"], "9999999w from now is beyond the year 9999"),
        (["add", "x", "b\udcff"], r"b\udcff: it is not UTF-8"),
        (["add", "x", "--json", "b\udcff"], r"b\udcff: it is not UTF-8"),
        (["add", "x", "\x1b" * 257], r"\x1b"),
        (["add", "x", "--json", "{", "NaN"], "{: it is not JSON, in which a text is written in double quotes\nNaN: "),
        (["add", "x", "--json", "1e9999999999999999999"], "1e9999999999999999999: it is not JSON"),
        (["add", "x", "--json", "[" * 9_000], "[[[[[["),
        (["add", "x", "--json", "null"], "null: a member is a text of at most 256 characters"),
        (["import", "x", "."], "Invalid value for 'FILE': File '.' is a directory."),
        (["import", "x", "nowhere"], "Invalid value for 'FILE': File 'nowhere' does not exist."),
        (["import", "x", "/dev/zero"], "/dev/zero, line 1: a member is a text of at most 256 characters"),
        (["import", "x", "/proc/self/mem"], "/proc/self/mem: Input/output error"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_line(command: RulesInMemory, arguments: list[str], said: str) -> None:
    command.done("lists", "add", "blocked", "a")
    assert command.refused("lists", *arguments).startswith(f"rules: {said}")
    assert len(command.written) == 1


@pytest.mark.parametrize("shape", [TopicShape(2, 1), TopicShape(1, 1, {"cleanup.policy": "compact"})])
def test_a_topic_that_would_lose_its_history_is_refused(command: RulesInMemory, shape: TopicShape) -> None:
    command.cluster.create_topics(SETTINGS.connection, {"lists": shape})
    answer = command.run("lists", "add", "blocked", "a")
    assert (answer.exit_code, answer.output) == (1, "")
    assert answer.errors.startswith("rules: LISTS_TOPIC=lists ")
    assert answer.errors.count("\n") == 1


class Meanwhile(InMemoryCluster):
    """A cluster in which somebody else writes to the lists while a command has its own record on the way."""

    def __init__(self, *changes: ListChange) -> None:
        super().__init__()
        self.changes = [*changes]

    def open_publisher(self, connection: ConnectionSettings) -> InMemoryPublisher:
        for change in self.changes:
            self.append(Message("lists", None, encode(list_set(change, author="berta")), (), 0, 0))
        self.changes.clear()
        return super().open_publisher(connection)


def test_who_comes_second_is_told_what_came_between(command: RulesInMemory) -> None:
    command.done("lists", "add", "blocked", "a")
    logs, configs = command.cluster.logs, command.cluster.configs
    command.cluster = Meanwhile(ListChange("blocked", 1, remove=["a"]), added("x", name="other"))
    command.cluster.logs, command.cluster.configs = logs, configs
    answer = command.run("lists", "add", "blocked", "a", "b", "--note", "again")
    assert answer.exit_code == 1
    assert answer.lines == ["meanwhile: version 2 1970-01-01T00:00:00.000Z berta", 'blocked 1 member removed: "a"']
    assert answer.errors == ('rules: nothing has been changed: changed by somebody else meanwhile: "a" in blocked\n')


def test_changes_of_different_members_do_not_disturb_each_other(command: RulesInMemory) -> None:
    command.cluster = Meanwhile(added("x"))
    assert command.done("lists", "add", "blocked", "a")[1:] == [
        *('blocked 1 member added: "x"', "version 2:", 'blocked 1 member added: "a"')
    ]


def test_of_two_imports_at_once_the_second_is_told_how_much_is_left(command: RulesInMemory) -> None:
    members = [f"a{n}" for n in range(25_000)]
    command.cluster = Meanwhile(added(*members[12_000:13_000]))
    file = command.file("\n".join(members))
    answer = command.run("lists", "import", "blocked", file)
    assert (answer.exit_code, answer.lines[-1].partition(":")[0]) == (1, "blocked 15,000 members added")
    assert answer.errors == (
        "rules: 10,000 of 25,000 members have not been changed: changed by somebody else meanwhile: "
        '"a12000" in blocked, "a12001" in blocked, "a12002" in blocked, "a12003" in blocked, "a12004" in blocked'
        "; repeat it\n"
    )
    assert command.done("lists", "import", "blocked", file)[0] == "16,000 of 25,000 are in blocked already"
    assert command.done("lists", "list")[-1] == "blocked 25,000 0 5"


class Forgetful(InMemoryCluster):
    """A cluster whose publishers fail once they have written, the first few of them."""

    fails = 1

    def open_publisher(self, connection: ConnectionSettings) -> InMemoryPublisher:
        self.fails -= 1
        return LosesTheAnswer(self) if self.fails >= 0 else super().open_publisher(connection)


class LosesTheAnswer(InMemoryPublisher):
    def delivered(self, seconds: float) -> list[Message]:
        super().delivered(seconds)
        raise ClientFailed("nobody knows")


def test_what_is_written_again_as_its_fate_is_unknown_holds_once(command: RulesInMemory) -> None:
    command.cluster = Forgetful()
    assert command.done("lists", "add", "blocked", "a")[0] == "version 1:"
    first, second = command.written
    assert first.value == second.value
    assert command.done("lists", "history")[-1] == "repeated: it is version 1 already"


def test_a_change_whose_fate_stays_unknown_says_so(command: RulesInMemory) -> None:
    command.cluster = Forgetful()
    command.cluster.fails = 3
    answer = command.run("lists", "add", "blocked", "a")
    assert answer.exit_code == 1
    assert answer.errors == (
        "rules: nobody knows; whether the change is in force is not known: look, and try again; "
        "to repeat it does no harm\n"
    )
    assert command.done("lists", "add", "blocked", "a") == [UNCHANGED]
