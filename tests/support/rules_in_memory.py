"""The command line for rules in this process, on a cluster that is an object: quick, for what needs no real Kafka."""

from pathlib import Path

import pytest

from messaging.batch import Message, Record
from rules.command import run
from rules.session import Session
from rules.settings import RulesSettings
from runtime.output import standard_error
from runtime.process import Process
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.in_memory_client import InMemoryCluster
from tests.support.rules_command import Answer

_OF_LIBRDKAFKA = "|rdkafka#"  # clients that other tests have left in this process write there too


class RulesInMemory:
    """Runs commands, each as a session of its own, one after the other."""

    def __init__(self, capture: pytest.CaptureFixture[str], directory: Path) -> None:
        self.cluster = InMemoryCluster()
        self._capture = capture
        self._directory = directory

    def run(self, *arguments: str, author: str = "anna") -> Answer:
        """Run a command to its end."""
        process = Process("rules", Stop(), 1, standard_error())
        session = Session(process)
        session.settings = read_settings(RulesSettings, {"RULES_AUTHOR": author})
        session.library = self.cluster
        self._capture.readouterr()
        exit_code = run(session, process.exit_failed, arguments)
        output, errors = self._capture.readouterr()
        own = [line for line in errors.splitlines(keepends=True) if _OF_LIBRDKAFKA not in line]
        return Answer(exit_code, output, "".join(own))

    def done(self, *arguments: str, author: str = "anna") -> list[str]:
        """Run a command that has to succeed, and return its lines."""
        answer = self.run(*arguments, author=author)
        assert (answer.exit_code, answer.errors) == (0, ""), answer
        return [*answer.lines]

    def refused(self, *arguments: str) -> str:
        """Run a command that is not allowed, and return the lines that say so."""
        answer = self.run(*arguments)
        assert (answer.exit_code, answer.output) == (2, ""), answer
        return answer.errors

    def file(self, content: str | bytes) -> str:
        """Return the path of a file that holds this."""
        file = self._directory / "file"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    def write(self, value: bytes | None) -> None:
        """Write a record of any form to the topic of lists, which is there."""
        self.cluster.append(Message("lists", None, value, (), 0, 0))

    @property
    def written(self) -> list[Record]:
        """The records of the topic of lists."""
        return self.cluster.records("lists")
