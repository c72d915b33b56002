"""What transactions were judged with stands in a topic, with each change; and lists are followed."""

import json
from collections.abc import Sequence

import pytest

from decision.provenance import Note, decode
from tests.support.change_sets import change
from tests.support.conservation import wait_until_judged
from tests.support.services import Services
from tests.support.topics import Names, committed, create_topics, message, write

pytestmark = pytest.mark.integration


def pay(broker: str, names: Names, *sources: str) -> None:
    paid = [{"id": source, "source": source, "target": "b", "amount": 5} for source in sources]
    write(broker, [message(names.transactions, json.dumps(each).encode()) for each in paid])


def notes(broker: str, names: Names) -> Sequence[Note]:
    return [decode(record.value) for record in committed(broker, names.provenance)]


def block(broker: str, names: Names, base: int, **said: Sequence[str]) -> None:
    """Change the list of who is blocked."""
    changes = [{"name": "blocked", "base": base, **said}]
    value = {"format": 1, "id": f"change {base}", "author": "the test", "changes": changes}
    write(broker, [message(names.lists, json.dumps(value).encode())])


def test_what_is_judged_with_is_noted_with_each_change_and_lists_are_followed(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=1)
    detector = services.start("detector", FRAUD_THRESHOLD="800")
    detector.wait_for_line("assigned: ")
    pay(broker, names, "a")
    wait_until_judged(broker, names, 1)
    change(broker, names, "blocked", when='source in list["blocked"]')
    detector.wait_for_line("rules: version 1 in force")
    pay(broker, names, "a")
    wait_until_judged(broker, names, 2)
    block(broker, names, 0, add=["a"])
    detector.wait_for_line("rules: version 1 in force: .*; lists: version 1, 1 list")
    pay(broker, names, "a", "b")
    wait_until_judged(broker, names, 4)
    block(broker, names, 1, remove=["a"])
    detector.wait_for_line("; lists: version 2, 1 list")
    pay(broker, names, "a")
    wait_until_judged(broker, names, 5)
    [fraud] = committed(broker, names.fraud)
    assert dict(fraud.headers)["fraud.reason"] == b'blocked: source = "a", source in list["blocked"] = True'
    noted = notes(broker, names)
    assert [dict(note.offsets) for note in noted] == [{0: 0}, {0: 1}, {0: 2}, {0: 4}]
    assert [(note.basis.rules.version, note.basis.lists.version) for note in noted] == [(0, 0), (1, 0), (1, 1), (1, 2)]
    assert [note.number for note in noted] == [1, 2, 3, 4]
    assert {(note.group, note.topic, note.detector) for note in noted} == {
        (names.group, names.transactions, noted[0].detector)
    }
    assert noted[0].basis.settings["FRAUD_THRESHOLD"] == "800"
    assert detector.stop() == 0


def test_a_detector_that_judges_with_other_settings_is_warned_of(services: Services, broker: str, names: Names) -> None:
    create_topics(broker, names.transactions, partitions=2)
    first = services.start("detector")
    first.wait_for_line("assigned: ")
    services.start("detector", FRAUD_THRESHOLD="800").wait_for_line("assigned: ")
    write(broker, [message(names.transactions, b"any", partition=partition) for partition in range(2)])
    first.wait_for_line("another detector of the group judges with other settings: FRAUD_THRESHOLD='800', not '900'")
