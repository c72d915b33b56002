"""The command line for rules as a real process that runs to its end."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from tests.support.services import environment
from tests.support.waiting import BUSY, wait_until

OVER_500 = "amount > 500"
FILE = """
[rules.night]
when = 'amount >= 500 and hour("UTC") < 6'
points = 60
note = "nights"
[rules.night.candidate]
when = 'amount >= 400 and hour("UTC") < 6'
[rules.abroad]
when = 'field["country"] == "NG"'
mode = "shadow"
share = 12.5
"""
_SECONDS = 30.0


def lines(text: str) -> Sequence[str]:
    """Return lines of text with their columns one blank apart."""
    return [" ".join(line.split()) for line in text.splitlines()]


class Answer(NamedTuple):
    """What a command has answered."""

    exit_code: int
    output: str
    errors: str

    @property
    def lines(self) -> Sequence[str]:
        """The lines of its output, each with its columns one blank apart."""
        return lines(self.output)


class RulesCommand:
    """Runs `python -m rules` with just these settings, in a folder that holds no .env."""

    def __init__(self, settings: Mapping[str, str], directory: Path) -> None:
        self.settings = {"RULES_AUTHOR": "anna", **settings}
        self._directory = directory

    def run(self, *arguments: str, given: str = "", **settings: str) -> Answer:
        """Run a command to its end, with what is given on standard input; these settings go over the others."""
        done = subprocess.run(
            self._words(arguments),
            cwd=self._directory,
            env=environment({**self.settings, **settings}),
            input=given,
            capture_output=True,
            text=True,
            timeout=_SECONDS * BUSY,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def done(self, *arguments: str, **settings: str) -> Sequence[str]:
        """Run a command that has to succeed, and return its lines."""
        answer = self.run(*arguments, **settings)
        assert answer.exit_code == 0, answer
        return answer.lines

    def asked(self, *arguments: str, meanwhile: Callable[[], object], reply: str) -> Answer:
        """Run a command that asks, and reply to it in a terminal once something else has been done meanwhile."""
        terminal, of_the_process = pty.openpty()
        with (self._directory / "output").open("w+") as output, (self._directory / "errors").open("w+") as errors:
            process = subprocess.Popen(
                self._words(arguments),
                cwd=self._directory,
                env=environment(self.settings),
                stdin=of_the_process,
                stdout=output,
                stderr=errors,
            )
            try:
                wait_until(lambda: "?" in self._written("errors"), _SECONDS, "a question")
                meanwhile()
                os.write(terminal, reply.encode())
                process.wait(_SECONDS * BUSY)
            finally:
                process.kill()
                process.wait()
                for descriptor in (terminal, of_the_process):
                    with suppress(OSError):
                        os.close(descriptor)
        return Answer(process.returncode, self._written("output"), self._written("errors"))

    def start(self, *arguments: str, output: IO[str] | None = None) -> "subprocess.Popen[str]":
        """Start a command that writes to an output; without one, its output and errors can be read together."""
        return subprocess.Popen(
            self._words(arguments),
            cwd=self._directory,
            env=environment(self.settings),
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE if output else subprocess.STDOUT,
            text=True,
        )

    def _words(self, arguments: Sequence[str]) -> Sequence[str]:
        return [sys.executable, "-m", "rules", *arguments]

    def _written(self, name: str) -> str:
        return (self._directory / name).read_text(encoding="utf-8")
