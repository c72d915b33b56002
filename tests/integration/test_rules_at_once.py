"""Rules that several change at once, and a change of which nobody knows whether it was written."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from decision.history import Fate
from decision.rule import Rule
from decision.rulebook import Held, encode
from messaging.batch import Message
from messaging.history import history_topic
from messaging.seam import ClientFailed, ClientLibrary, Publisher
from messaging.supervisor import load_library
from rules.history import History
from rules.settings import RulesSettings
from rules.topic import KnownTopic
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.rules_command import RulesCommand
from tests.support.topics import Names, committed

pytestmark = pytest.mark.integration

OVER_500 = "amount > 500"


def opened(command: RulesCommand) -> KnownTopic[History]:
    """Return the topic of rules, read to its end in this process; it exists then."""
    return opened_with(load_library(command.settings["KAFKA_CLIENT"]), command)


def opened_with(library: ClientLibrary, command: RulesCommand) -> KnownTopic[History]:
    settings = read_settings(RulesSettings, command.settings)
    topic = KnownTopic(history_topic(settings, library, "rules"), History(), Stop())
    topic.open()
    return topic


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
    (tmp_path / "rules.toml").write_text("[rules.night]\nwhen = 'amount > 1'")
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
    lossy = opened_with(losing_the_first_answer(command.settings["KAFKA_CLIENT"]), command)
    change_set = lossy.history.change_set({"night": Held(Rule(OVER_500))}, "anna", "1")
    assert change_set is not None
    [own] = lossy.write({change_set.id: encode(change_set)}).own
    assert (own.entry.version, own.entry.fate) == (1, Fate.APPLIED)
    first, second = (record.value for record in committed(broker, names.rules))
    assert first == second
    assert command.done("history")[-1] == "repeated: it is version 1 already"


def test_of_two_writers_of_one_rule_the_second_changes_nothing(command: RulesCommand) -> None:
    topic = opened(command)
    command.done("set", "night", OVER_500)
    change_set = topic.history.change_set({"night": Held(Rule("amount > 1"))}, "berta", "1")
    assert change_set is not None
    [own], [meanwhile] = topic.write({change_set.id: encode(change_set)})
    assert (meanwhile.entry.fate, own.entry.fate) == (Fate.APPLIED, Fate.OUTDATED)
    assert command.done("list")[-1].endswith(OVER_500)
