"""The services as real processes, with their output; whatever else is started like them, too."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded_kafka.die_with_parent import with_parent
from tests.support.waiting import PAUSE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
START_SECONDS = 20
STOP_SECONDS = 5
# A batch that is not committed within KAFKA_TRANSACTION_TIMEOUT_MS comes again: on a busy machine a large one always.
SMALL_BATCHES = {"BATCH_SIZE": "500"}
_KEPT_VARIABLES = (
    *("PATH", "HOME", "JAVA_HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME"),
    *("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"),
)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that has just these settings."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def catches_both(process_id: int) -> bool:
    """Tell whether a process has handlers of its own for SIGTERM and SIGINT; only Linux knows."""
    status = Path(f"/proc/{process_id}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return all(caught >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT))


class Service:
    """A command as a process with just these settings, in a folder of its own that holds no .env.

    It dies with this process. `cpu_seconds` is known once it has ended: user and system, from the start to the end.
    """

    def __init__(self, name: str, command: Sequence[str], settings: Mapping[str, str], directory: Path) -> None:
        self._name = name
        self._output = directory / "output"
        self.cpu_seconds = 0.0
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                with_parent(signal.SIGKILL, command),
                cwd=directory,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def process_id(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code once it has ended, minus the signal where one has ended it."""
        self._reap(os.WNOHANG)
        code: int | None = self._process.returncode
        return code

    @property
    def lines(self) -> Sequence[str]:
        """The complete lines that it has printed."""
        return self._output.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]

    def matches(self, pattern: str) -> Sequence[re.Match[str]]:
        """Return the first match of the pattern in each line that has one."""
        return [match for line in self.lines if (match := re.search(pattern, line))]

    def wait_for_line(self, pattern: str, seconds: float = START_SECONDS, *, count: int = 1) -> re.Match[str]:
        """Return the match in the count-th line that has the pattern; one that ends without it is not waited for."""
        what = f"{count} lines with {pattern!r} from the {self._name}"
        wait_until(lambda: self._has(pattern, count) or self._has_ended(), seconds, what)
        found = self.matches(pattern)
        assert len(found) >= count, f"it ended with exit code {self.exit_code} before {what}"
        return found[count - 1]

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if not self._has_ended():
            os.kill(self.process_id, number)

    def pause(self) -> None:
        """Send SIGSTOP."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL, and wait for the end."""
        self.signal(signal.SIGKILL)
        self._reap(0)

    def wait(self, seconds: float) -> int:
        """Wait for the end, and return the exit code."""
        wait_until(self._has_ended, seconds, f"the end of the {self._name}")
        return int(self._process.returncode)

    def is_running_after(self, seconds: float) -> bool:
        """Whether it does not end within so many seconds."""
        deadline = time.monotonic() + seconds
        while not self._has_ended() and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
        return not self._has_ended()

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code: 0 where no more was needed than the service's own clock allows.

        It ends itself by force after some seconds; on a busy machine the rest of a process takes longer too.
        """
        self.signal(signal.SIGTERM)
        return self.wait(STOP_SECONDS)

    def last_lines(self) -> Sequence[str]:
        """Return the end of its output, under a headline."""
        return [f"--- {self._name}, exit code {self.exit_code}:", *self.lines[-40:]]

    def _has(self, pattern: str, count: int) -> bool:
        return len(self.matches(pattern)) >= count

    def _has_ended(self) -> bool:
        return self.exit_code is not None

    def _reap(self, options: int) -> None:
        """Do what Popen.poll and Popen.wait do; those keep what the process has cost to themselves."""
        if self._process.returncode is None:
            process_id, status, usage = os.wait4(self.process_id, options)
            if process_id:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_seconds = usage.ru_utime + usage.ru_stime


class Services:
    """Starts services with common settings, and ends them all when it is closed."""

    def __init__(self, settings: Mapping[str, str], directory: Path) -> None:
        self._settings = settings
        self._directory = directory
        self._started: list[Service] = []

    def start(self, module: str, *arguments: str, **settings: str) -> Service:
        """Start `python -m <module> <arguments>`; these settings go over the common ones."""
        directory = self._directory / f"{len(self._started)}-{module}"
        directory.mkdir()
        command = [sys.executable, "-m", module, *arguments]
        service = Service(module, command, {**self._settings, **settings}, directory)
        self._started.append(service)
        return service

    def close(self) -> None:
        """End every service that was started."""
        for service in self._started:
            service.kill()

    def last_lines(self) -> Sequence[str]:
        """Return the end of each service's output."""
        return [line for service in self._started for line in service.last_lines()]
