"""`.env.example` names every setting, once, with its default and a line on it."""

import re
from pathlib import Path

from dotenv import dotenv_values

from audit.settings import AuditSettings
from detector.settings import DetectorSettings
from generator.settings import GeneratorSettings
from runtime.settings import all_settings, read_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
OF_EMBEDDED_KAFKA = {"KAFKA_PORT": "9092"}


def defaults() -> dict[str, str]:
    declared = [*all_settings(GeneratorSettings), *all_settings(DetectorSettings), *all_settings(AuditSettings)]
    return {setting.name: setting.default for setting in declared} | OF_EMBEDDED_KAFKA


def test_it_holds_every_setting_with_its_default() -> None:
    assert dotenv_values(EXAMPLE) == defaults()


def test_it_loads() -> None:
    texts = {name: text or "" for name, text in dotenv_values(EXAMPLE).items()}
    assert read_settings(GeneratorSettings, texts) == read_settings(GeneratorSettings, {})
    assert read_settings(AuditSettings, texts) == read_settings(AuditSettings, {})
    assert read_settings(DetectorSettings, texts).topics == read_settings(DetectorSettings, {}).topics


def test_every_line_is_plain_enough_for_compose_too() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=[^\s\"'$#]*", line) for line in lines)


def test_no_setting_stands_twice() -> None:
    names = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert len(names) == len(set(names))


def test_every_setting_has_a_line_on_it() -> None:
    for block in EXAMPLE.read_text().strip().split("\n\n"):
        assert block.startswith("#")
