"""What is said of the settings is made from their declarations, and `.env.example` can be used as it is."""

import re
import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values

from decision.provenance import PRODUCT
from runtime.settings import all_settings, read_settings
from scripts.write_settings import COMMAND, PARTS, documents

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"


@pytest.mark.parametrize("name", ["README.md", ".env.example"])
def test_it_is_what_the_command_writes(name: str) -> None:
    assert documents()[ROOT / name] == (ROOT / name).read_text(), f"run {COMMAND}"


def test_parts_that_share_a_setting_declare_it_alike() -> None:
    declared = {setting[:2] + setting[3:] for part in PARTS.values() for setting in all_settings(part)}
    assert len(declared) == len({name for name, *_ in declared})


def test_the_example_holds_every_setting_with_its_default() -> None:
    declared = {setting.name: setting.default for part in PARTS.values() for setting in all_settings(part)}
    assert dotenv_values(EXAMPLE) == declared


@pytest.mark.parametrize("part", PARTS)
def test_every_part_can_use_the_example_as_it_is(part: str) -> None:
    assert read_settings(PARTS[part], {name: text or "" for name, text in dotenv_values(EXAMPLE).items()})


def test_every_line_of_the_example_is_plain_enough_for_compose_too() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=[^\s\"'$#]*", line) for line in lines)


def test_the_versions_that_are_noted_and_released_are_the_same() -> None:
    released = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert released == PRODUCT
