"""CHANGELOG.md tells what is in each version, and pyproject.toml which version this is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADINGS = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_version_has_its_section_with_a_date() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert [heading for heading in HEADINGS if re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", heading)]


def test_what_is_not_released_yet_stands_first() -> None:
    assert HEADINGS[0] == "Unreleased"
