"""Rules change while detectors run: without a restart, without a rebalance, and whatever becomes of their topic."""

import time
from collections.abc import Sequence

import pytest

from messaging.batch import Headers
from tests.support.change_sets import change
from tests.support.conservation import wait_until_judged
from tests.support.services import Service, Services
from tests.support.topics import Names, committed, create_topics, delete_topic, existing_topics, message, write
from tests.support.waiting import BUSY, wait_until

pytestmark = pytest.mark.integration


def pay(broker: str, names: Names, *amounts: int, first: int = 0) -> None:
    """Write payments, of which the first has this number."""
    numbered = enumerate(amounts, first)
    values = [f'{{"id":"{n}","source":"a{n}","target":"b","amount":{amount}}}' for n, amount in numbered]
    write(broker, [message(names.transactions, value.encode()) for value in values])


def started_alone(services: Services, broker: str, names: Names, **settings: str) -> Service:
    """Start a detector that has the only partition of its input."""
    create_topics(broker, names.transactions, partitions=1)
    detector = services.start("detector", **settings)
    detector.wait_for_line("assigned: ")
    return detector


def headers(broker: str, topic: str) -> Sequence[Headers]:
    return [record.headers for record in committed(broker, topic)]


def test_a_rule_is_in_force_in_all_detectors_without_a_rebalance(services: Services, broker: str, names: Names) -> None:
    create_topics(broker, names.transactions, partitions=4)
    detectors = [services.start("detector") for _ in range(2)]
    for detector in detectors:
        detector.wait_for_line("assigned: ")
    assigned = [len(detector.matches("assigned: ")) for detector in detectors]
    change(broker, names, "small", when="amount < 10", points="60")
    for detector in detectors:
        detector.wait_for_line("rules: version 1 in force: 2 live, 0 in shadow, 0 candidates")
    change(broker, names, "tiny", when="amount < 5", points="60")
    change(broker, names, "watched", when='amount < 5 and field["x"] is None', mode="shadow")
    for detector in detectors:
        detector.wait_for_line("rules: version 3 in force: 3 live, 1 in shadow, 0 candidates")
    pay(broker, names, 1, 7, 901, 500)
    wait_until_judged(broker, names, 4)
    assert sorted(headers(broker, names.fraud), key=str) == [
        (("fraud.reason", b"amount_over_threshold: 901 is over 900"), ("fraud.score", b"100")),
        (
            ("fraud.reason", b"small: amount = 1"),
            ("fraud.reason", b"tiny: amount = 1"),
            ("fraud.score", b"120"),
            ("shadow.reason", b'watched: amount = 1, field["x"] = None'),
        ),
    ]
    assert headers(broker, names.legit) == [(), ()]
    assert [len(detector.matches("assigned: ")) for detector in detectors] == assigned
    assert all(detector.stop() == 0 for detector in detectors)


def test_of_several_changes_one_is_in_force_within_two_seconds(services: Services, broker: str, names: Names) -> None:
    detector = services.start("detector")
    detector.wait_for_line("assigned: ")
    seconds = []
    for version in range(1, 6):
        change(broker, names, f"rule-{version}", when="amount < 10")
        begin = time.monotonic()
        detector.wait_for_line(f"rules: version {version} in force")
        seconds.append(time.monotonic() - begin)
    assert min(seconds) < 2  # whatever else the machine has to do
    assert detector.stop() == 0


def test_the_threshold_is_a_rule_like_others(services: Services, broker: str, names: Names) -> None:
    detector = started_alone(services, broker, names, FRAUD_THRESHOLD="500")
    change(broker, names, "amount_over_threshold", when="amount > 100")
    detector.wait_for_line("rules: version 1 in force: 1 live")
    pay(broker, names, 100, 101)
    wait_until_judged(broker, names, 2)
    change(broker, names, "amount_over_threshold", base=1)
    detector.wait_for_line("rules: version 2 in force: 1 live")
    pay(broker, names, 500, 501, first=2)
    wait_until_judged(broker, names, 4)
    assert detector.stop() == 0
    assert [dict(each)["fraud.reason"] for each in headers(broker, names.fraud)] == [
        b"amount_over_threshold: 101 is over 100",
        b"amount_over_threshold: 501 is over 500",
    ]


def test_a_topic_of_rules_that_breaks_or_goes_away_stops_no_payment(
    services: Services, broker: str, names: Names
) -> None:
    detector = started_alone(services, broker, names)
    change(broker, names, "small", when="amount < 10")
    detector.wait_for_line("rules: version 1 in force")
    write(broker, [message(names.rules, b"broken")])
    detector.wait_for_line(rf"{names.rules}\[0\] offset 1 changes no rules: not understood")
    delete_topic(broker, names.rules)
    detector.wait_for_line("going on without RULES_TOPIC=.*, with version 2 of the rules: ")
    pay(broker, names, 5, 50)
    wait_until_judged(broker, names, 2)
    create_topics(broker, names.rules, partitions=1, settings={"retention.ms": "-1"})
    change(broker, names, "middling", when="amount == 50")
    detector.wait_for_line("rules: version 1 in force", count=2)
    pay(broker, names, 5, 50, first=2)
    wait_until_judged(broker, names, 4)
    assert detector.stop() == 0
    assert [dict(each)["fraud.reason"] for each in headers(broker, names.fraud)] == [
        b"small: amount = 5",
        b"middling: amount = 50",
    ]
    assert len(committed(broker, names.legit)) == 2


@pytest.mark.parametrize(
    ("partitions", "settings", "problem"),
    [
        (2, {"retention.ms": "-1"}, "has 2 partitions"),
        (1, {"retention.ms": "1000"}, "has retention.ms=1000 and would forget its history: set it to -1"),
        (1, {"cleanup.policy": "compact"}, "is compacted and would lose its history"),
    ],
)
def test_a_topic_that_cannot_hold_rules_is_refused_at_start(
    services: Services, broker: str, names: Names, partitions: int, settings: dict[str, str], problem: str
) -> None:
    create_topics(broker, names.rules, partitions=partitions, settings=settings)
    detector = services.start("detector")
    assert detector.wait(60) == 1
    assert detector.matches(f"RULES_TOPIC={names.rules} {problem}")


def test_a_detector_makes_the_topic_where_it_is_missing(services: Services, broker: str, names: Names) -> None:
    detector = services.start("detector")
    wait_until(lambda: names.rules in existing_topics(broker), 20 * BUSY, "the topic of rules")
    assert detector.stop() == 0
