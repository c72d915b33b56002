"""What is left of a measurement: a table on stdout, a JSON file, a chart."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.chart import Bar, draw

LIBRARIES = ("confluent-kafka", "kafka-python", "msgspec")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text in columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return "\n".join(_line(row, widths) for row in (heads, *rows))


def write(directory: Path, name: str, measured: Mapping[str, Any], title: str, bars: Sequence[Bar]) -> None:
    """Write `name`.json and `name`.svg, and say where they are."""
    directory.mkdir(parents=True, exist_ok=True)
    document = {"measured": name, "machine": machine(), **measured}
    (directory / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (directory / f"{name}.svg").write_text(draw(title, bars), encoding="utf-8")
    print(f"\nWritten: {name}.json and {name}.svg in {directory}")


def machine() -> Mapping[str, Any]:
    """Return what the numbers depend on."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "java": _java(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in others)])


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _java() -> str:
    try:
        asked = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)  # noqa: S607
    except FileNotFoundError:
        return ""
    return asked.stderr.partition("\n")[0]
