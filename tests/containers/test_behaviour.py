"""How each of the pair's containers lives: its health, its rights, its end."""

import signal

import pytest

from tests.containers import stack

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("engine", "started")]

PATIENCE_SECONDS = (
    "50"  # then Docker kills it; one that takes longer than four by its own clock ends itself, with code 1
)
WRITE = """
for path in ("/app/new", "/var/tmp/new", "/tmp/new"):
    try:
        open(path, "w").close()
        print("written", path)
    except OSError as error:
        print(error.strerror)
"""

SERVICE = "open('/proc/1/task/1/children').read().split()[0]"
SIGNAL = f"import os, signal; os.kill(int({SERVICE}), signal.{{}})"


@pytest.fixture
def started() -> None:
    """The stack; it stays for the next test, which finds it as it is or starts what is missing."""
    stack.start("--wait")


@pytest.fixture(params=stack.PAIR)
def container(request: pytest.FixtureRequest) -> stack.Container:
    return stack.container(request.param)


def test_a_loop_that_stands_still_turns_unhealthy_until_it_goes_round_again() -> None:
    pair = [stack.container(service) for service in stack.PAIR]
    for container in pair:
        container.python(SIGNAL.format("SIGSTOP"))
    for container in pair:
        container.wait_for_health("unhealthy")
    for container in pair:
        container.python(SIGNAL.format("SIGCONT"))
    for container in pair:
        container.wait_for_health("healthy")


def test_the_process_has_no_rights_and_gets_none(container: stack.Container) -> None:
    lines = container.python(f"print(open(f'/proc/{{{SERVICE}}}/status').read())").splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    assert set(status["Uid"].split() + status["Gid"].split()) == {"10001"}
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_only_tmp_can_be_written(container: stack.Container) -> None:
    attempts = container.python(WRITE)
    assert attempts.splitlines() == ["Read-only file system", "Read-only file system", "written /tmp/new"]


def test_it_comes_back_after_a_failure_only(container: stack.Container) -> None:
    assert container.facts["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 0}


def test_it_stops_at_once_when_it_has_hardly_started(container: stack.Container) -> None:
    stack.docker("kill", container.identifier)
    stack.docker("start", container.identifier)
    stack.docker("stop", "--time", PATIENCE_SECONDS, container.identifier)
    assert container.facts["State"]["ExitCode"] != 128 + signal.SIGKILL  # Docker's
    stack.docker("start", container.identifier)
    container.wait_for_health("healthy")


def test_it_stops_in_time_with_code_0(container: stack.Container) -> None:
    stack.docker("stop", "--time", PATIENCE_SECONDS, container.identifier)
    assert container.facts["State"]["ExitCode"] == 0
    assert "stopped: " in container.lines[-1]
