"""Why a record was judged as it was, asked of a real Kafka after the rules have changed."""

import json
from collections.abc import Sequence

import pytest

from tests.support.change_sets import change
from tests.support.conservation import wait_until_judged
from tests.support.rules_command import RulesCommand
from tests.support.services import Services
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration

CODE = "tests.support.harmful_rules:finds_nothing"


def pay(broker: str, names: Names, *values: str) -> None:
    write(broker, [message(names.transactions, value.encode(), key=value[:9].encode()) for value in values])


def paid(number: int, amount: int) -> str:
    return f'{{"id":"t-{number}","source":"a","target":"b","amount":{amount}}}'


def place(broker: str, topic: str, value: str) -> Sequence[str]:
    """Return the words that name where a record with this value is."""
    [record] = [record for record in committed(broker, topic) if record.value == value.encode()]
    return [record.topic, str(record.partition), str(record.offset)]


@pytest.mark.parametrize("client", ["confluent"], indirect=True)
def test_each_verdict_is_explained_by_what_it_was_made_with(
    command: RulesCommand, services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=2)
    detector = services.start("detector", FRAUD_RULES=CODE, FRAUD_THRESHOLD="800")
    detector.wait_for_line("assigned: ")
    pay(broker, names, paid(1, 500), paid(2, 801), "no transaction")
    wait_until_judged(broker, names, 3)
    change(broker, names, "mine", when="amount > 400")
    detector.wait_for_line("rules: version 1 in force")
    pay(broker, names, paid(3, 500))
    wait_until_judged(broker, names, 4)
    change(broker, names, "mine", base=1)

    before = command.done("explain", "t-1", FRAUD_RULES=CODE)
    assert before[0].startswith(f"record {names.transactions}[0] offset 0, ")
    assert before[1].startswith(f"output {names.legit}[")
    assert before[3] == "with version 0 of the rules and version 0 of the lists, since offset 0"
    assert before[-5:] == [
        "timestamp (none) (FIELD_TIMESTAMP=timestamp)",
        "rule no hit: amount_over_threshold",
        "amount = 500",
        "rule of code no hit: finds_nothing",
        "legit no live rule hits",
    ]

    fraud = command.done("explain", *place(broker, names.fraud, paid(3, 500)), FRAUD_RULES=CODE)
    newest = command.done("explain", names.transactions, FRAUD_RULES=CODE)
    assert newest[0] == fraud[0]
    assert fraud[0].startswith(f"record {names.transactions}[0] offset 3, ")
    assert fraud[3] == "with version 1 of the rules and version 0 of the lists, since offset 3"
    assert fraud[-5:] == [
        "amount = 500",
        "rule of code no hit: finds_nothing",
        "fraud mine: amount = 500",
        "header fraud.reason: mine: amount = 500",
        "header fraud.score: 100",
    ]

    over = command.done("explain", names.transactions, "0", "1", FRAUD_RULES="")
    assert "not replayed the rule of code finds_nothing: FRAUD_RULES does not name it here" in over
    assert "fraud amount_over_threshold: 801 is over 800" in over

    told = command.run("explain", *place(broker, names.dead_letter, "no transaction"), "--json")
    explained = json.loads(told.output)
    assert (explained["record"]["offset"], explained["explanation"]["verdict"]) == (2, "dead letter")
    assert explained["explanation"]["reasons"][0].startswith("not JSON")

    topic, partition, offset = place(broker, names.fraud, paid(3, 500))
    marker = command.run("explain", topic, partition, str(int(offset) + 1))
    assert (marker.exit_code, marker.output) == (2, "")
    assert marker.errors.startswith(f"rules: there is no record at {topic}[{partition}] offset ")

    now = command.done("explain", paid(4, 850))
    assert now[0] == "by version 2 of the rules, and the settings here"


def test_a_transaction_is_found_by_its_id_before_anything_was_judged(
    command: RulesCommand, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=2)
    sent = [message(names.transactions, paid(n % 3, n).encode(), partition=n % 2) for n in range(6)]
    write(broker, sent)
    answer = command.done("explain", "t-2")
    assert answer[0].startswith(f"record {names.transactions}[1] offset 2, ")
    assert answer[1].startswith("note its output was not looked for: cannot read the topics: the topic ")
    assert answer[2].startswith(f"note what it was judged with is not known: PROVENANCE_TOPIC={names.provenance}: ")
    assert answer[3] == f"more 1 with the same id in the last 6 records: {names.transactions}[0] offset 1"
    assert command.run("explain", "t-\x1b") == (
        2,
        "",
        f"rules: no record with the id t-\\x1b among the last 6 of {names.transactions}\n",
    )
