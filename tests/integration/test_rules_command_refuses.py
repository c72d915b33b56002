"""What the command line for rules says where something is wrong: one line, an exit code, and nothing is written."""

import json
import os
import re
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from decision.history import FORMAT
from decision.rulebook import Change, ChangeSet, encode
from tests.support.rules_command import FILE, OVER_500, RulesCommand
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration


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
    assert shown[5].startswith("version 2 not understood: ")
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
    assert command.done("set", "--help")[0] == "Usage: rules set [OPTIONS] NAME [EXPRESSION]"
    assert command.run("list") == (2, "", "rules: FRAUD_THRESHOLD='much': expected a number, 0 or above\n")


def test_the_shell_completes_commands(tmp_path: Path) -> None:
    settings = {"_RULES_COMPLETE": "bash_complete", "COMP_WORDS": "rules pro", "COMP_CWORD": "1"}
    assert RulesCommand({}, tmp_path).run(**settings).output == "plain,promote\n"
