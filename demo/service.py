"""A service of the demo as a child process."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import IO

from demo.screen import Screen
from embedded_kafka.command import exit_code
from embedded_kafka.die_with_parent import with_parent
from embedded_kafka.errors import CannotBeStarted
from embedded_kafka.waiting import tell

SECONDS_TO_END = 5.0
SECONDS_TO_SHOW = 1.0
_PAUSE_SECONDS = 0.05


class Service:
    """`python -m <name>` with this environment; the screen shows what it says.

    In a session of its own: Ctrl-C, however often, is for the demo, which asks the service once. Where the demo is
    killed, Linux kills the service. Raises CannotBeStarted.
    """

    def __init__(self, name: str, environment: Mapping[str, str], screen: Screen) -> None:
        self.name = name
        color = {"FORCE_COLOR": "1"} if screen.look.has_color else {}
        self._process = _process(name, {**environment, **color})
        self._readers = [
            _reader(self._process.stdout, partial(screen.show, name)),
            _reader(self._process.stderr, partial(screen.show_error, name)),
        ]

    @property
    def exit_code(self) -> int | None:
        """The exit code as a shell has it, once the service has ended."""
        code = self._process.poll()
        return None if code is None else exit_code(code)

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL, and wait for the end."""
        self._process.kill()
        self._process.wait()

    def show_the_rest(self, deadline: float) -> None:
        """Wait until all that it said is shown, but not for a reader who does not read."""
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))


@contextmanager
def started(environments: Mapping[str, Mapping[str, str]], screen: Screen) -> Iterator[Sequence[Service]]:
    """Start a service for each name, in its environment, and end them all after the `with`. Raises CannotBeStarted."""
    services: list[Service] = []
    try:
        for name, environment in environments.items():
            services.append(Service(name, environment, screen))
        yield services
    finally:
        end_all(services)


def end_all(services: Sequence[Service]) -> None:
    """End the services in order, those that take too long by force, and show their last lines."""
    for service in services:
        service.ask_to_end()
    deadline = time.monotonic() + SECONDS_TO_END
    while any(service.exit_code is None for service in services) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    for service in services:
        if service.exit_code is None:
            tell(f"the {service.name} did not end within {SECONDS_TO_END:.0f} s: SIGKILL\n")
            service.kill()
    deadline = time.monotonic() + SECONDS_TO_SHOW
    for service in services:
        service.show_the_rest(deadline)


def _process(name: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            with_parent(signal.SIGKILL, [sys.executable, "-m", name]),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise CannotBeStarted(f"the {name}", error) from error


def _reader(stream: IO[str] | None, show: Callable[[str], None]) -> threading.Thread:
    thread = threading.Thread(target=_pass_on, args=(stream or (), show), daemon=True)
    thread.start()
    return thread


def _pass_on(lines: Iterable[str], show: Callable[[str], None]) -> None:
    for line in lines:
        show(line)
