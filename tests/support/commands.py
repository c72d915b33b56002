"""Commands that run a Kafka of their own, as real processes in a terminal session of their own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import psutil

from tests.support.services import environment
from tests.support.waiting import wait_until

START_SECONDS = 30
STOP_SECONDS = 10


class Command:
    """`python -m <module> <arguments>` with just these settings, in a folder that is also the one for temporary files.

    Its output goes to the files `output` and `errors` of that folder, unless the descriptor `output` takes both.
    """

    def __init__(
        self, directory: Path, module: str, *arguments: str, output: int | None = None, **settings: str
    ) -> None:
        self._name = f"{module} {' '.join(arguments)}"
        self._output, self._errors = directory / "output", directory / "errors"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        with self._output.open("wb") as out, self._errors.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=directory,
                env=environment({"TMPDIR": str(directory), "PATH": path, **settings}),
                stdin=subprocess.DEVNULL,
                stdout=out if output is None else output,
                stderr=err,
                start_new_session=True,
            )
        self._seen: set[psutil.Process] = set()

    @property
    def output(self) -> str:
        """What it has written to standard output."""
        return self._output.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text(encoding="utf-8")

    def wait_for(self, text: str, *, count: int = 1) -> None:
        """Wait until it has written the text so often, and remember the processes that it has started by then."""
        wait_until(partial(self._has_said, text, count), START_SECONDS, f"{text!r} from {self._name}: {self.errors}")
        self._seen.update(self.descendants())

    def descendants(self) -> Sequence[psutil.Process]:
        """Return the processes below it."""
        return psutil.Process(self.process.pid).children(recursive=True) if not self._has_ended() else []

    def interrupt(self) -> None:
        """Press Ctrl-C: the whole foreground of its terminal gets SIGINT."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Return the exit code."""
        wait_until(self._has_ended, seconds, f"the end of {self._name}; it said: {self.output} {self.errors}")
        return int(self.process.returncode)

    def expect_nothing_left(self) -> None:
        """Expect that the processes which it had started end, and that it has said nothing of Python's inside."""
        assert self._seen
        wait_until(lambda: not any(map(is_living, self._seen)), STOP_SECONDS, f"the end of {self._seen}")
        assert "Traceback" not in self.output + self.errors

    def close(self) -> None:
        """End it, and on Linux what it has started."""
        self.process.kill()
        self.process.wait()

    def _has_ended(self) -> bool:
        return self.process.poll() is not None

    def _has_said(self, text: str, count: int) -> bool:
        said = self.output + self.errors
        assert said.count(text) >= count or not self._has_ended(), f"{self._name} ended and said: {said}"
        return said.count(text) >= count


def is_living(process: psutil.Process) -> bool:
    """Whether a process runs and is not only waited for."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def folders_left(directory: Path) -> list[Path]:
    """Return the folders that commands have left in their folder for temporary files."""
    return [path for path in directory.iterdir() if path.is_dir()]


def expect_one_of_two(directory: Path, module: str, arguments: Sequence[str], running: str, refusal: str) -> None:
    """Start two commands at once, and expect that one says `running`, and the other, at last, a line like `refusal`."""
    with ExitStack() as stack:
        commands = []
        for name in ("one", "other"):
            (directory / name).mkdir()
            commands.append(stack.enter_context(closing(Command(directory / name, module, *arguments))))
        (second,) = wait_until(partial(_ended, commands), START_SECONDS, "the end of one of them")
        (first,) = (command for command in commands if command is not second)
        assert second.wait() == 2
        assert re.fullmatch(refusal, second.errors.splitlines()[-1])
        assert "Traceback" not in second.errors
        first.wait_for(running)
        first.process.terminate()
        assert first.wait() == 0


def _ended(commands: Sequence[Command]) -> Sequence[Command]:
    return [command for command in commands if command.process.poll() is not None]
