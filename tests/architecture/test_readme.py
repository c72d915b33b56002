"""What the README says exists: its commands and its files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("script", sorted(set(re.findall(r"scripts/[a-z]+", README))))
def test_every_script_exists(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111


def test_what_can_be_run_by_hand_is_what_the_script_takes() -> None:
    names = re.findall(r"^([a-z_ |]+)\) .*needs=", (ROOT / "scripts" / "run").read_text(), re.MULTILINE)
    taken = {name for line in names for name in line.split(" | ")}
    (row,) = (line for line in README.splitlines() if line.startswith("| run one part by hand"))
    offered = set(re.findall(r"`(?:scripts/run )?([a-z_]+)`", row))
    assert offered == taken
    assert set(re.findall(r"scripts/run (\w+)", README)) <= taken
    assert [name for name in taken if not (ROOT / name / "__main__.py").exists()] == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("entry", re.findall(r"^(\w+)/ ", README.partition("## The map")[2], re.MULTILINE))
def test_every_folder_of_the_map_exists(entry: str) -> None:
    assert (ROOT / entry).is_dir()


def test_the_map_names_no_module_that_is_not_there() -> None:
    named = re.findall(r"(\w+\.py)\b", README.partition("## The map")[2])
    existing = {path.name for path in ROOT.glob("*/**/*.py")}
    assert named
    assert set(named) <= existing
