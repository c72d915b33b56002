"""The settings of the demo's services: the user's, except for those that the demo sets itself."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from embedded_kafka.configuration import PLAIN
from embedded_kafka.errors import CannotBeStarted
from embedded_kafka.opening import AnyKafka
from embedded_kafka.secured import SecuredKafka
from embedded_kafka.waiting import Waiting

OWN = {"TOPIC_REPLICATION_FACTOR": "1"}  # there is one broker
_SOME_SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "localhost:9092"}


def settings_of(kafka: AnyKafka, service: str) -> Mapping[str, str]:
    """Return what stands over the user's settings of a service."""
    return {**OWN, **(kafka.login(service) if isinstance(kafka, SecuredKafka) else kafka.settings)}


def mistakes_in_settings(services: Sequence[str], waiting: Waiting) -> Sequence[str]:
    """Let each service check its settings; return the mistakes as lines. Raises CannotBeStarted and Stopped."""
    with tempfile.TemporaryFile() as output:
        checks: list[subprocess.Popen[bytes]] = []
        try:
            for service in services:
                checks.append(_started(service, output))  # noqa: PERF401 - those before one that fails are ended too
            while any(check.poll() is None for check in checks):
                waiting.pause("Checking the settings")
        finally:
            for check in checks:
                check.kill()
        waiting.done()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    return [_without_service(line, services) for line in lines] if any(check.returncode for check in checks) else []


def _started(service: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-m", service, "--check"],
            env={**os.environ, **OWN, **PLAIN, **_SOME_SERVERS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    except OSError as error:
        raise CannotBeStarted(f"the {service}", error) from error


def _without_service(line: str, services: Sequence[str]) -> str:
    name, _, rest = line.partition(": ")
    return rest if name in services else line
