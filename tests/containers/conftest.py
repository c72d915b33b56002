"""A Docker engine for the container tests, a clean start and end, and a stack that is up.

Each module uses `engine` (or just `compose_command`) first.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping

import pytest

from messaging.settings import CLIENTS
from tests.containers import stack

OLDEST_COMPOSE = (2, 20)


@pytest.fixture(scope="session")
def compose_command() -> None:
    """A `docker compose` that is new enough; an engine need not answer."""
    require_compose()


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine without anything of ours in it, before and after."""
    require_compose()
    if not engine_answers():
        pytest.skip("no Docker engine answers")
    stack.remove_everything()
    if stack.NETWORK in stack.docker("network", "ls", "--format", "{{.Name}}").split():
        give_up(f"the network {stack.NETWORK} is in use: `docker compose down` first")
    yield
    stack.remove_everything()


@pytest.fixture(scope="session")
def images() -> Mapping[str, str]:
    """The pair's images by service."""
    stack.compose("build")
    return {service: f"{stack.PROJECT}-{service}" for service in stack.PAIR}


@pytest.fixture(params=CLIENTS)
def each_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each client library in turn, for what is started after it."""
    monkeypatch.setitem(stack.SETTINGS, "KAFKA_CLIENT", request.param)


@pytest.fixture
def running() -> None:
    """One container of each service, at work."""
    stack.start()
    stack.wait_until_it_goes_on()


def require_compose() -> None:
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    answer = stack.run(["docker", "compose", "version", "--short"]).stdout
    version = re.match(r"v?(\d+)\.(\d+)", answer)
    if version is None or tuple(map(int, version.groups())) < OLDEST_COMPOSE:
        give_up(f"docker compose 2.20 or later is needed, not {answer.strip() or 'none'}")


def engine_answers() -> bool:
    return stack.run(["docker", "info"]).returncode == 0


def give_up(reason: str) -> None:
    """Skip; but fail where an engine was prepared for these tests, as CI=true says."""
    if os.environ.get("CI") == "true" and engine_answers():
        pytest.fail(reason)
    pytest.skip(reason)
