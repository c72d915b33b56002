"""The measured processes: started, watched, ended, and what they cost."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.contenders import ROOT
from embedded_kafka.die_with_parent import with_parent

KEPT_VARIABLES = ("HOME", "JAVA_HOME", "LANG", "PATH", "TMPDIR")
STOP_SECONDS = 20
LAST_LINES = 5
MEGABYTE = 1_000_000


class RunFailed(Exception):
    """A run that does not count; the message says why."""


@dataclass
class Child:
    """A started process. `cpu_seconds` is known once it has ended: all of it, the start included."""

    process: subprocess.Popen[bytes]
    output: Path
    cpu_seconds: float = 0.0
    peak_megabytes: float = 0.0
    has_ended: bool = False


@contextmanager
def started(command: Sequence[str], settings: Mapping[str, str], directory: Path) -> Iterator[Child]:
    """Start a command with these settings, in a folder without .env. It has ended after the `with`."""
    child = start(command, settings, directory)
    try:
        yield child
    finally:
        stop(child)


def start(command: Sequence[str], settings: Mapping[str, str], directory: Path) -> Child:
    """Start a command with these settings, in a folder without .env. It dies with this process."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    output = directory / f"output-{time.monotonic_ns()}"
    with output.open("wb") as file:
        process = subprocess.Popen(
            with_parent(signal.SIGKILL, command),
            cwd=directory,
            env={**kept, "PYTHONPATH": str(ROOT), **settings},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return Child(process, output)


def watch(child: Child) -> None:
    """Take note of its memory. Raises RunFailed when it has failed."""
    _reap(child)
    if child.process.returncode:
        raise RunFailed(f"it ended by itself with exit code {child.process.returncode}: {last_lines(child)}")
    with suppress(psutil.Error):
        resident = psutil.Process(child.process.pid).memory_info().rss
        child.peak_megabytes = max(child.peak_megabytes, resident / MEGABYTE)


def wait(child: Child, seconds: float) -> bool:
    """Wait for its end; return whether that came in time."""
    deadline = time.monotonic() + seconds
    _reap(child)
    while not child.has_ended and time.monotonic() < deadline:
        time.sleep(0.02)
        _reap(child)
    return child.has_ended


def stop(child: Child) -> None:
    """End it with SIGTERM, or with SIGKILL when that takes too long."""
    if child.has_ended:
        return
    os.kill(child.process.pid, signal.SIGTERM)
    if not wait(child, STOP_SECONDS):
        os.kill(child.process.pid, signal.SIGKILL)
        wait(child, STOP_SECONDS)


def last_lines(child: Child) -> str:
    """Return the end of what it has printed."""
    lines = child.output.read_text(encoding="utf-8", errors="replace").splitlines()
    return " / ".join(lines[-LAST_LINES:])


def _reap(child: Child) -> None:
    # As Popen.poll and Popen.send_signal do, but those keep what the process has cost to themselves.
    if child.has_ended:
        return
    process_id, status, usage = os.wait4(child.process.pid, os.WNOHANG)
    if process_id:
        child.has_ended = True
        child.process.returncode = os.waitstatus_to_exitcode(status)
        child.cpu_seconds = usage.ru_utime + usage.ru_stime
