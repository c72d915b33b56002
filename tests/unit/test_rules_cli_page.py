"""What docs/rules-cli.md says of the commands and of files is so."""

import re
import textwrap
from pathlib import Path

from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from rules import rule_file
from rules.answer import Answer, data
from rules.command import rules
from rules.examples import failures, rules_of
from rules.lists import lists
from rules.settings import RulesSettings
from runtime.settings import read_settings

PAGE = (Path(__file__).parents[2] / "docs" / "rules-cli.md").read_text()


def test_every_command_has_its_row() -> None:
    assert set(re.findall(r"^\| `(\w+)[ `]", PAGE, re.MULTILINE)) == set(rules.commands)


def test_every_command_for_lists_has_its_row() -> None:
    assert set(re.findall(r"^\| `lists (\w+)[ `]", PAGE, re.MULTILINE)) == set(lists.commands)


def test_every_option_is_named() -> None:
    commands = [*rules.commands.values(), *lists.commands.values()]
    options = {name for command in commands for each in command.params for name in each.opts}
    assert [name for name in sorted(options) if name.startswith("--") and f"{name}" not in PAGE] == []


def test_every_key_of_an_explanation_is_named() -> None:
    keys = data(Answer(), read_settings(RulesSettings, {}).topics)
    assert re.findall(r"^- `(\w+)`: ", PAGE, re.MULTILINE) == [*keys]


def test_the_file_can_be_used_and_fails_as_shown() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    found = rule_file.read(text)
    defaults = read_settings(RulesSettings, {}).decision.defaults
    reader = TransactionReader(DEFAULT_MAPPING)
    (failed,) = failures(found.examples, rules_of(found.rules, defaults, reader, found.lists))
    (shown,) = re.findall(r"\$ rules test rules.toml\n(.*?)\n    examples: 1, failed: 1\n", PAGE, re.DOTALL)
    assert textwrap.dedent(shown) == failed
