"""The secured stack, as a user starts it."""

import json
from collections.abc import Iterator

import pytest

from messaging.settings import CLIENTS
from tests.containers import stack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("engine")]


@pytest.fixture(scope="module", autouse=True)
def removed() -> Iterator[None]:
    stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
    yield
    stack.compose(*stack.SECURED, "down", "--volumes", "--remove-orphans", "--timeout", "5")


def secured_containers() -> list[stack.Container]:
    identifiers = stack.compose(*stack.SECURED, "ps", "--all", "--quiet").split()
    return [stack.Container(identifier) for identifier in identifiers]


def passwords() -> set[str]:
    volumes = [f"{stack.PROJECT}_{user}-secrets" for user in (*stack.PAIR, "audit", "operator")]
    read = ("run", "--rm", "--user", "0", "--entrypoint", "cat")
    image = f"{stack.PROJECT}-keys"
    return {stack.docker(*read, "--volume", f"{volume}:/secrets:ro", image, "/secrets/password") for volume in volumes}


@pytest.mark.parametrize("client", CLIENTS)
def test_it_works_the_law_holds_and_no_password_is_seen(client: str) -> None:
    settings = {**stack.SETTINGS, "KAFKA_CLIENT": client}
    stack.compose(*stack.SECURED, "up", "--build", "--detach", settings=settings)
    detector = stack.Container(stack.compose(*stack.SECURED, "ps", "--quiet", "detector").strip())
    stack.Log(detector).wait_for(stack.VERDICT, count=20)
    audit = stack.compose(*stack.SECURED, "run", "--rm", "audit", settings=settings)
    assert "audit passed: every record is accounted for" in audit
    log, words = stack.Log(detector), ("run", "--rm", "rules", "set", client, "amount < 1", "--shadow")
    assert f"{client}  new: shadow" in stack.compose(*stack.SECURED, *words, settings=settings)
    log.wait_for(r"rules: version \d+ in force")
    secrets = passwords()
    assert len(secrets) == 4
    for container in secured_containers():
        told = json.dumps(container.facts) + "\n".join(container.lines)
        assert not [secret for secret in secrets if secret in told]


def test_a_new_password_takes_the_place_of_the_old_one() -> None:
    before = passwords()
    stack.compose(
        *stack.SECURED, "run", "--rm", "--no-deps", "--entrypoint", "rm", "keys", "-f", "/secrets/detector/password"
    )
    stack.compose(*stack.SECURED, "up", "--force-recreate", "--detach", "keys", "setup", "detector")
    assert len(passwords() - before) == 1
    detector = stack.Container(stack.compose(*stack.SECURED, "ps", "--quiet", "detector").strip())
    wait_until(lambda: any(" INFO    assigned: " in line for line in detector.lines), stack.START_SECONDS, "a start")
