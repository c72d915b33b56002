"""The script in docs/bad-input.md that sends dead letters to be judged again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.conservation import wait_until_judged
from tests.support.services import Services, environment
from tests.support.topics import Names, committed, create_topics, existing_topics, message, write

pytestmark = pytest.mark.integration

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"
PAID = b'{"id":"1","source":"a","target":"b","amount":501}'


def replay(servers: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the script as it stands there, with these settings."""
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    words = [sys.executable, "-c", found[1]]
    env = environment({"KAFKA_BOOTSTRAP_SERVERS": servers, **settings})
    return subprocess.run(words, check=False, capture_output=True, text=True, env=env)


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
    assert replay(broker, **names.settings()).stdout == "sent again: 2\n"
    wait_until_judged(broker, names, 4)
    assert [record.value for record in committed(broker, names.legit)] == [PAID]
    assert len(committed(broker, names.dead_letter)) == 3
    assert replay(broker, **names.settings()).stdout == "sent again: 1\n"


def test_a_topic_that_is_not_there_is_named_and_not_created(broker: str, names: Names) -> None:
    create_topics(broker, names.dead_letter, partitions=1)
    refused = replay(broker, **names.settings())
    assert refused.returncode == 1
    assert refused.stderr == (
        f"{broker} has no topic {names.transactions}: set DEAD_LETTER_TOPIC and TRANSACTIONS_TOPIC\n"
    )
    assert names.transactions not in existing_topics(broker)
