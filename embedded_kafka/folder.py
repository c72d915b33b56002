"""A broker's folder: its properties, its data and its logs."""

from collections.abc import Mapping
from pathlib import Path

from embedded_kafka import configuration

LAST_LINES = 15


def write_properties(directory: Path, ports: configuration.Ports, properties: Mapping[str, str]) -> None:
    """Make the folder hold what the broker, or its controller alone, is told. Raises OSError."""
    server = configuration.server_properties(ports, directory / "data", properties)
    controller = configuration.controller_properties(server, ports)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "server.properties").write_text(configuration.as_text(server), encoding="utf-8")
    (directory / "controller.properties").write_text(configuration.as_text(controller), encoding="utf-8")


def end_of(log: Path) -> str:
    """Return the last lines of a log, under a headline."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join([f"the last lines of {log}:", *lines])
