"""Everything with one command."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.containers import stack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("engine")]

ALL = ("kafka", *stack.PAIR)


@contextmanager
def in_the_foreground(words: Sequence[str], output: Path) -> Iterator[None]:
    """Run a command as from a terminal, and kill it in the end: what it has started runs on."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            words,
            cwd=stack.ROOT,
            env=stack.environment(stack.SETTINGS),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_one_command_starts_everything_in_order_and_shows_verdicts(tmp_path: Path) -> None:
    stack.compose("down", "--volumes", "--remove-orphans")
    output = tmp_path / "output"
    with in_the_foreground(stack.compose_words("up", "--build"), output):
        seen = wait_until(
            lambda: re.search(rf"detector-1 .*{stack.VERDICT}", output.read_text()), 180, "a verdict on the terminal"
        )
    assert seen
    for service in ALL:
        stack.container(service).wait_for_health("healthy")
    for service in stack.PAIR:
        warnings = [line for line in stack.container(service).lines if "WARNING" in line]
        assert warnings == []  # Kafka was there before them


@pytest.mark.usefixtures("running")
def test_they_meet_on_the_network_named_kafka_network() -> None:
    members = stack.docker("network", "inspect", "--format", "{{range .Containers}}{{.Name}} {{end}}", stack.NETWORK)
    assert sorted(members.split()) == sorted(f"{stack.PROJECT}-{service}-1" for service in ALL)


@pytest.mark.usefixtures("each_client", "running")
def test_three_detectors_share_the_partitions() -> None:
    stack.start("--scale", "detector=3")
    wait_until(partitions_are_shared, stack.START_SECONDS, "each partition with one of three detectors")
    stack.assert_every_transaction_is_judged_once()


def partitions_are_shared() -> bool:
    shares = [held_partitions(detector) for detector in stack.containers("detector")]
    together = sorted(partition for share in shares for partition in share)
    return len(shares) == 3 and all(shares) and together == ["0", "1", "2", "3"]


def held_partitions(detector: stack.Container) -> set[str]:
    """Return what the detector has been given and not been taken, as its log says."""
    held: set[str] = set()
    for line in detector.lines:
        moved = set(re.findall(r"transactions\[(\d+)]", line))
        if " assigned: " in line:
            held |= moved
        elif " revoked: " in line:
            held -= moved
    return held


@pytest.mark.usefixtures("running")
def test_down_with_its_volumes_leaves_nothing() -> None:
    mounts = [mount for service in ALL for mount in stack.container(service).facts["Mounts"]]
    volumes = [mount["Name"] for mount in mounts if mount["Type"] == "volume"]
    assert volumes == [f"{stack.PROJECT}_kafka-data"]  # and none without a name, which a plain `down` would forget
    stack.compose("down", "--volumes")
    ours = ("--filter", f"label=com.docker.compose.project={stack.PROJECT}")
    assert stack.docker("ps", "--all", "--quiet", *ours) == ""
    assert stack.docker("volume", "ls", "--quiet", *ours) == ""
    assert stack.docker("network", "ls", "--quiet", "--filter", f"name=^{stack.NETWORK}$") == ""
