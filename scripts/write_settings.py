"""Writes the settings' documentation: the table in README.md, and .env.example.

    .venv/bin/python -m scripts.write_settings

All of it comes from where the settings are declared, in the same order.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from audit.settings import AuditSettings
from detector.settings import DetectorSettings
from embedded_kafka.choice import PortSettings
from generator.settings import GeneratorSettings
from rules.settings import RulesSettings
from runtime.settings import Setting, all_settings

COMMAND = ".venv/bin/python -m scripts.write_settings"
PARTS = {
    "generator": GeneratorSettings,
    "detector": DetectorSettings,
    "audit": AuditSettings,
    "rules": RulesSettings,
    "embedded_kafka": PortSettings,
}
_ROOT = Path(__file__).parents[1]
_README = _ROOT / "README.md"
_EXAMPLE = _ROOT / ".env.example"
_TABLE_BEGINS = f"<!-- made by {COMMAND} -->\n"
_TABLE_ENDS = "<!-- end of what it made -->\n"
_TABLE_HEAD = "\n| name | default | |\n| --- | --- | --- |\n"
_EXAMPLE_HEAD = f"""\
# Copy this file to .env and change what you need. Both `docker compose` and the services read .env; variables of the
# environment override it. Every line here is the default. In Compose, KAFKA_BOOTSTRAP_SERVERS is always kafka:9092,
# and HEALTH_FILE is set.
# .env.example is made by {COMMAND}
"""


def main() -> None:
    """Write the files."""
    for file, text in documents().items():
        file.write_text(text, encoding="utf-8")


def documents() -> Mapping[Path, str]:
    """Return what each file has to hold."""
    return {_README: _with_table(_README.read_text(encoding="utf-8")), _EXAMPLE: _example()}


def _with_table(readme: str) -> str:
    before, rest = readme.split(_TABLE_BEGINS)
    _, after = rest.split(_TABLE_ENDS)
    rows = "".join(map(_row, _declared()))
    return f"{before}{_TABLE_BEGINS}{_TABLE_HEAD}{rows}\n{_TABLE_ENDS}{after}"


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    return f"| `{setting.name}` | {default} | {setting.explanation} |\n"


def _example() -> str:
    sections = (_section(parts, settings) for parts, settings in groupby(_declared(), _readers))
    return _EXAMPLE_HEAD + "".join(sections)


def _section(parts: str, settings: Iterable[Setting]) -> str:
    lines = (f"# {setting.explanation}\n{setting.name}={setting.default}\n" for setting in settings)
    return f"\n# ---- {parts} ----\n\n" + "".join(lines)


def _declared() -> list[Setting]:
    """Return each setting once, in the order of declaration; parts that share one declare it alike."""
    return list({setting.name: setting for part in PARTS.values() for setting in all_settings(part)}.values())


def _readers(setting: Setting) -> str:
    return ", ".join(name for name, part in PARTS.items() if setting.name in {each.name for each in all_settings(part)})


if __name__ == "__main__":
    main()
