"""A program of Java as a child process, one at a time."""

import signal
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from embedded_kafka.die_with_parent import with_parent
from embedded_kafka.errors import CannotBeStarted


class Java:
    """Starts one program after the other, each in a session of its own, and ends with this process on Linux."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        # Linux ties a child to the thread that started it: this one lives until close, callers' threads may not.
        self._starter = ThreadPoolExecutor(1, "embedded-kafka")

    @property
    def is_running(self) -> bool:
        """Whether the program lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the program, once it has ended."""
        return None if self._process is None else self._process.poll()

    def launch(self, command: Sequence[str], log: Path) -> None:
        """Start a program that adds its output to the log. Raises CannotBeStarted."""
        launched = self._starter.submit(self._launch_here, with_parent(signal.SIGKILL, command), log)
        try:
            launched.result()
        except OSError as error:
            raise CannotBeStarted("Java", error) from error

    def listens_on(self, port: int) -> bool:
        """Tell whether it is this program that listens on the port."""
        try:
            connections = psutil.Process(self._process.pid).net_connections("tcp") if self._process else []
        except psutil.Error:
            return False
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)

    def stop(self, pause: Callable[[], None]) -> None:
        """End the program in an orderly way (SIGTERM), calling `pause` until it has ended."""
        if self._process is not None:
            self._process.terminate()
            while self.is_running:
                pause()

    def kill(self) -> None:
        """End the program (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End the program and start no other."""
        self.kill()
        self._starter.shutdown()
        self.kill()  # what an interrupted `launch` started a moment ago

    def _launch_here(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for those who use the broker, it must outlive them.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
