"""Wherever the project is checked, the same is checked, with the same tools: .ci/run, GitHub's workflow, pre-commit."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github" / "workflows" / "checks.yml").read_text()
COMMANDS = re.findall(r"^(?:scripts|\.venv)/.*", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


def only(pattern: str, file: str) -> str:
    (found,) = re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)
    return str(found)


def test_there_is_something_to_run() -> None:
    assert "scripts/test" in COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_workflow_runs_what_must_pass_before_a_change_lands(command: str) -> None:
    assert f"- run: {command}\n" in WORKFLOW


def test_the_workflow_tests_on_every_supported_python() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    (tested,) = re.findall(r"python: \[(.*)\]", WORKFLOW)
    assert supported
    assert re.findall(r'"([\d.]+)"', tested) == supported


def test_pre_commit_has_the_ruff_that_is_locked() -> None:
    hook = only(r"ruff-pre-commit\n +rev: v(\S+)", ".pre-commit-config.yaml")
    assert hook == only(r"^ruff==(\S+)", "requirements/dev.txt")
