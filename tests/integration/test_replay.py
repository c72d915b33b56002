"""The script in docs/bad-input.md that sends dead letters to be judged again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.conservation import wait_until_judged
from tests.support.services import Services
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"
PAID = b'{"id":"1","source":"a","target":"b","amount":501}'


def replay(servers: str, names: Names) -> str:
    """Run the script as it stands there, but for the server and the topics; return what it prints."""
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    script = found[1]
    for written, meant in (
        ("localhost:29092", servers),
        ('"dead-letter"', f'"{names.dead_letter}"'),
        ('"transactions"', f'"{names.transactions}"'),
        ('"replay"', f'"{names.group}-replay"'),
    ):
        assert written in script
        script = script.replace(written, meant)
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_dead_letters_are_judged_again_once_and_one_that_stays_bad_does_not_go_round(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=1)
    write(broker, [message(names.transactions, value) for value in (PAID, b"not a transaction")])
    with_a_bad_rule = services.start("detector", FRAUD_RULES="tests.support.harmful_rules:fails_over_500")
    wait_until_judged(broker, names, 2)
    assert with_a_bad_rule.stop() == 0
    services.start("detector")
    assert replay(broker, names) == "sent again: 2\n"
    wait_until_judged(broker, names, 4)
    assert [record.value for record in committed(broker, names.legit)] == [PAID]
    assert len(committed(broker, names.dead_letter)) == 3
    assert replay(broker, names) == "sent again: 1\n"
