"""docs/rules.md shows what there is."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from decision.expression import translate
from decision.functions import FUNCTIONS
from decision.history import Fate
from decision.leaves import NAMES
from decision.lists import ListBook
from decision.rulebook import RuleBook
from decision.scope import Scope
from decision.source import InvalidExpression
from tests.support.services import environment

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines()) for block in re.findall(r"(?:^    .+\n)+", PAGE, re.MULTILINE)
]


@pytest.mark.parametrize("expression", [*BLOCKS[0].splitlines(), *BLOCKS[3].splitlines()])
def test_its_expressions_are_rules(expression: str) -> None:
    translate(expression, Scope())


def test_its_command_prints_what_it_shows(tmp_path: Path) -> None:
    command, shown = BLOCKS[1].removeprefix("$ scripts/run ").split("\nby ")
    words = [sys.executable, "-m", *shlex.split(command.replace("\\\n", ""))]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment({}))
    assert (done.stderr, done.stdout) == ("", f"by {shown}\n")


def test_its_error_is_what_is_said() -> None:
    with pytest.raises(InvalidExpression) as error:
        translate("amont > 900", Scope())
    assert str(error.value) == BLOCKS[2]


def test_its_change_sets_can_be_applied() -> None:
    of_rules, of_lists = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert RuleBook().take(0, of_rules.encode()).fate is Fate.OUTDATED  # as it starts from version 7
    assert ListBook().take(12, of_lists.encode()).fate is Fate.APPLIED  # as it starts from version 12


def test_it_names_every_name_and_every_function() -> None:
    functions = set(re.findall(r"`([a-z_]+)\(", PAGE))
    assert functions == {*FUNCTIONS}
    assert {name for name in NAMES if f"`{name}`" in PAGE} == {*NAMES}
