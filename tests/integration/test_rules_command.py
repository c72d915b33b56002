"""The command line for rules, as an operator uses it, on a real Kafka."""

import json
import os
import re
import signal
import socket
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from decision.rule import Rule
from decision.rulebook import FORMAT, Change, ChangeSet, Outcome, encode
from messaging.batch import Message
from messaging.seam import ClientFailed, ClientLibrary, Publisher
from messaging.supervisor import load_library
from rules.history import Held
from rules.settings import RulesSettings
from rules.topic import RulesTopic
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.rules_command import RulesCommand
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration

OVER_500 = "amount > 500"
FILE = """
[rules.night]
when = 'amount >= 500 and hour("UTC") < 6'
points = 60
note = "nights"
[rules.night.candidate]
when = 'amount >= 400 and hour("UTC") < 6'
[rules.abroad]
when = 'field["country"] == "NG"'
mode = "shadow"
share = 12.5
"""
NOT_TRIED = "not tried"


@pytest.fixture
def command(broker: str, client: str, names: Names, tmp_path: Path) -> RulesCommand:
    return RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": broker, "KAFKA_CLIENT": client, **names.settings()}, tmp_path)


def opened(command: RulesCommand) -> RulesTopic:
    """Return the topic of rules, read to its end in this process; it exists then."""
    topic = RulesTopic(settings_of(command), load_library(command.settings["KAFKA_CLIENT"]), Stop())
    topic.open()
    return topic


def settings_of(command: RulesCommand) -> RulesSettings:
    return read_settings(RulesSettings, command.settings)


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
    assert command.done("history", "nothing") == ["no changes"]


def test_a_bad_expression_never_reaches_the_topic(command: RulesCommand, broker: str, names: Names) -> None:
    command.done("set", "night", OVER_500)
    refused = command.run("set", "night", "amont > 400")
    assert refused == (2, "", "rules: there is no name amont; did you mean amount?\n  amont > 400\n  ^\n")
    for bad in (["a b", OVER_500], ["x", OVER_500, "--share", "101"], ["x", OVER_500, "--points", '"x"'], ["x"]):
        assert command.run("set", *bad).exit_code == 2
    assert len(committed(broker, names.rules)) == 1


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
    assert command.done("rollback", "1")[0] == "version 3:"
    assert command.run("export").output == before
    assert command.done("rollback", "1") == ["nothing to change: it is so already"]
    assert command.run("rollback", "9").errors == "rules: there is no version 9 yet; the last one is 3\n"
    told = json.loads(command.run("history", "--json").output)
    assert [(each["version"], each["author"]) for each in told] == [(1, "anna"), (2, "berta"), (3, "anna")]
    assert {change["name"] for change in told[2]["changes"]} == {"old", "night", "abroad"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", each["time"]) for each in told)


def test_who_comes_second_is_told_what_came_between(command: RulesCommand, tmp_path: Path) -> None:
    command.done("set", "night", OVER_500)
    (tmp_path / "rules.toml").write_text("[rules.night]\nwhen = 'amount > 1'")
    answer = command.asked(
        *("apply", str(tmp_path / "rules.toml")),
        meanwhile=lambda: command.done("set", "night", "amount > 2", RULES_AUTHOR="berta"),
        reply="y\n",
    )
    assert answer.exit_code == 1
    assert re.fullmatch(r"meanwhile: version 2 \S+ berta", answer.lines[-2])
    assert answer.lines[-1] == "night when: amount > 500 -> amount > 2"
    assert answer.errors.endswith("rules: nothing has been changed: changed by somebody else meanwhile: night\n")
    assert command.done("list")[-1].endswith("amount > 2")
    assert command.done("history")[-1] == "outdated: changed by somebody else meanwhile: night"


def test_different_rules_can_be_changed_at_once(command: RulesCommand, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[rules.night]\nwhen = 'amount > 1'")
    answer = command.asked(
        *("apply", str(tmp_path / "rules.toml")),
        meanwhile=lambda: command.done("set", "other", "amount > 2", RULES_AUTHOR="berta"),
        reply="y\n",
    )
    assert answer.exit_code == 0
    assert [line.partition(" 20")[0] for line in answer.lines] == [
        "night new: live, 100 points: amount > 1",
        "meanwhile: version 1",
        "other new: live, 100 points: amount > 2",
        "version 2: it is so now",
    ]
    assert [line.split()[0] for line in command.done("list")[2:]] == ["amount_over_threshold", "night", "other"]


def test_nothing_is_written_where_the_answer_is_no(
    command: RulesCommand, broker: str, names: Names, tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text(FILE)
    answer = command.asked("apply", str(tmp_path / "rules.toml"), meanwhile=lambda: None, reply="\n")
    assert answer.exit_code == 130
    assert answer.errors.endswith("rules: stopped; nothing was written\n")
    assert committed(broker, names.rules) == []


class LosesTheAnswer:
    """A publisher that fails once it has written what it was given."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.send, self.close = publisher.send, publisher.close

    @property
    def in_flight(self) -> int:
        return self._publisher.in_flight

    def delivered(self, seconds: float) -> Sequence[Message]:
        if self._publisher.delivered(seconds):
            raise ClientFailed("nobody knows")
        return []


def losing_the_first_answer(name: str) -> ClientLibrary:
    """Return a client library whose first publisher is such a one."""
    library = load_library(name)
    kinds: Iterator[Callable[[Publisher], Publisher]] = chain([LosesTheAnswer], repeat(lambda publisher: publisher))
    known = {
        role: getattr(library, role) for role in ("create_topics", "describe_topics", "end_offsets", "open_reader")
    }
    lossy = SimpleNamespace(**known, open_publisher=lambda connection: next(kinds)(library.open_publisher(connection)))
    return cast("ClientLibrary", lossy)


def test_a_change_whose_fate_is_unknown_is_written_again_and_holds_once(
    command: RulesCommand, broker: str, names: Names
) -> None:
    lossy = RulesTopic(settings_of(command), losing_the_first_answer(command.settings["KAFKA_CLIENT"]), Stop())
    lossy.open()
    change_set = lossy.history.change_set({"night": Held(Rule(OVER_500))}, "anna", "1")
    assert change_set is not None
    (own,) = lossy.write(change_set)
    assert (own.entry.version, own.entry.outcome) == (1, Outcome.APPLIED)
    first, second = (record.value for record in committed(broker, names.rules))
    assert first == second
    assert command.done("history")[-1] == "repeated: it is version 1 already"


def test_of_two_writers_of_one_rule_the_second_changes_nothing(command: RulesCommand) -> None:
    topic = opened(command)
    command.done("set", "night", OVER_500)
    change_set = topic.history.change_set({"night": Held(Rule("amount > 1"))}, "berta", "1")
    assert change_set is not None
    meanwhile, own = topic.write(change_set)
    assert (meanwhile.entry.outcome, own.entry.outcome) == (Outcome.APPLIED, Outcome.OUTDATED)
    assert command.done("list")[-1].endswith(OVER_500)


def test_what_cannot_be_understood_is_listed_and_changes_nothing(
    command: RulesCommand, broker: str, names: Names
) -> None:
    command.done("set", "night", OVER_500)
    newer = encode(ChangeSet(FORMAT, "1", "\x1b[31m", [Change("night", 1)])).replace(b'"format":1', b'"format":2')
    write(broker, [message(names.rules, value, key=None) for value in (b"\xff{", newer)])
    shown = command.done("list")
    assert shown[0] == "version 3"
    assert shown[3].startswith("night live")
    assert shown[4] == "records that are not understood, and change nothing:"
    assert shown[5].startswith("version 2 not a change set: ")
    assert shown[6] == "version 3 written in format 2 by another version of this program, which knows 1"
    listed = json.loads(command.run("list", "--json").output)
    assert [each["version"] for each in listed["not_understood"]] == [2, 3]
    assert command.done("set", "night", "amount > 1")[-2] == "version 4:"


def test_a_topic_that_would_lose_rules_is_refused(command: RulesCommand, broker: str, names: Names) -> None:
    create_topics(broker, names.rules, partitions=2)
    answer = command.run("set", "night", OVER_500)
    assert answer.exit_code == 1
    assert answer.errors.splitlines()[-1].startswith(f"rules: RULES_TOPIC={names.rules} has 2 partitions")


def test_a_change_that_the_topic_would_not_take_is_refused(command: RulesCommand, broker: str, names: Names) -> None:
    create_topics(broker, names.rules, partitions=1, settings={"max.message.bytes": "200", "retention.ms": "-1"})
    answer = command.run("set", "night", f"{OVER_500} or {OVER_500}", "--note", "n" * 200)
    assert answer.exit_code == 2
    assert "the topic takes 200 (max.message.bytes)" in answer.errors
    assert committed(broker, names.rules) == []


def test_without_kafka_it_says_so_at_once(client: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        server = f"127.0.0.1:{free.getsockname()[1]}"
    command = RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": server, "KAFKA_CLIENT": client}, tmp_path)
    answer = command.run("list")
    assert (answer.exit_code, answer.output) == (1, "")
    assert re.fullmatch(rf"rules: no Kafka at {server} \(KAFKA_BOOTSTRAP_SERVERS\): .* refused\n", answer.errors)


def test_a_server_that_never_answers_is_given_up(client: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        answer = RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": server, "KAFKA_CLIENT": client}, tmp_path).run("list")
    assert (answer.exit_code, answer.output) == (1, "")
    assert answer.errors.splitlines()[-1].startswith("rules: cannot create the topics: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word(client: str, tmp_path: Path, number: signal.Signals) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = {"KAFKA_BOOTSTRAP_SERVERS": server, "KAFKA_CLIENT": client}
        process = RulesCommand(settings, tmp_path).start("list")
        silent.accept()
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")


def test_an_answer_that_cannot_be_written_is_no_success(command: RulesCommand) -> None:
    command.done("set", "night", OVER_500)
    with Path("/dev/full").open("w") as full:
        process = command.start("export", output=full)
        assert process.wait(300) == 1
    assert process.stderr is not None
    assert process.stderr.read() == "rules: standard output cannot be written: No space left on device\n"


def test_a_reader_that_is_gone_makes_no_difference(command: RulesCommand) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:  # noqa: PTH123 - a descriptor
        process = command.start("set", "night", OVER_500, output=gone)
        assert process.wait(300) == 0
    assert command.done("list")[-1].endswith(OVER_500)


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


def test_a_file_is_checked_and_tried_without_kafka(tmp_path: Path) -> None:
    command = RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, tmp_path)
    file = tmp_path / "rules.toml"
    example = """[[examples]]\ntransaction = '{"id":"1","source":"a","target":"b","amount":1}'\nverdict = """
    file.write_text(f"{FILE}{example}'legit'\n")
    assert command.done("check", str(file)) == [f"{file} is valid; rules: 2, examples: 1"]
    assert command.done("test", str(file)) == ["examples: 1, failed: 0"]
    file.write_text(f"{FILE}{example}'fraud'\n")
    assert command.run("test", str(file)).exit_code == 1
    for broken, said in (("[rules.a", "Expected ']'"), ("[rules.a]\nwhen = 'x'", "rules.a: there is no name x")):
        file.write_text(broken)
        answer = command.run("check", str(file))
        assert (answer.exit_code, answer.output) == (2, "")
        assert answer.errors.startswith(f"rules: {file}: {said}")
    file.write_bytes(b"\xff")
    assert command.run("check", str(file)) == (2, "", f"rules: {file}: it is not UTF-8\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nothing"], "No such command 'nothing'."),
        (["\x1b[31m"], r"No such command '\x1b[31m'."),
        (["mode", "a", "on"], "Invalid value for '{live|shadow|off}': 'on' is not one of 'live', 'shadow', 'off'."),
        (["check", "nowhere"], "Invalid value for 'FILE': File 'nowhere' does not exist."),
    ],
)
def test_a_bad_argument_is_said_in_one_line(tmp_path: Path, arguments: list[str], error: str) -> None:
    assert RulesCommand({}, tmp_path).run(*arguments) == (2, "", f"rules: {error}\n")


def test_help_needs_no_settings(tmp_path: Path) -> None:
    command = RulesCommand({"FRAUD_THRESHOLD": "much"}, tmp_path)
    assert command.done("--help")[0] == "Usage: rules [OPTIONS] COMMAND [ARGS]..."
    assert command.done("set", "--help")[0] == "Usage: rules set [OPTIONS] NAME EXPRESSION"
    assert command.run("list") == (2, "", "rules: FRAUD_THRESHOLD='much': expected a number, 0 or above\n")


def test_the_shell_completes_commands(tmp_path: Path) -> None:
    settings = {"_RULES_COMPLETE": "bash_complete", "COMP_WORDS": "rules pro", "COMP_CWORD": "1"}
    assert RulesCommand({}, tmp_path).run(**settings).output == "plain,promote\n"
