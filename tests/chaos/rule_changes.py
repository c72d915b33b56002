"""Rules and lists that change all the time, and a look at what each verdict says that it was made with.

Each version has a rule in shadow of its own that hits everything: the verdict's headers name it. Whether that is the
version that was noted is said by the audit, which compares these headers.
"""

import random
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from decision.history import FORMAT
from decision.list_change import ListChange, ListChangeSet, encode
from messaging.batch import Record
from tests.support.change_sets import change_message
from tests.support.topics import Names, raw_producer

SECONDS_BETWEEN_CHANGES = 2.0
LIST = "watched"  # of whole amounts
_MARK = re.compile(rb"version-([0-9]+): ")
_MOST_SHOWN = 5
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class Version(NamedTuple):
    """What is fraud: amounts over the threshold, and those of a band where its rule is live."""

    threshold: int
    low: int
    mode: str

    def is_fraud(self, amount: Decimal) -> bool:
        """Tell whether the rules of this version make it fraud."""
        return amount > self.threshold or (self.mode == "live" and self.low < amount <= self.low + 100)


FIRST = Version(900, 0, "off")


class RuleChanges:
    """Writes a change set of rules and one of lists every two seconds, once begun."""

    def __init__(self, servers: str, names: Names, chance: random.Random) -> None:
        self._producer = raw_producer(servers, {"message.timeout.ms": "0", "log_level": "2"})
        self._rules, self._lists, self._chance = names.rules, names.lists, random.Random(chance.random())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.versions = [FIRST]

    def begin(self) -> None:
        """Begin, unless that has been done."""
        if not self._thread.is_alive():
            self._thread.start()

    def close(self) -> None:
        """Write no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def problems(self, verdicts: Sequence[Record], fraud: str) -> Sequence[str]:
        """Return the first verdicts that are not those of the version they name."""
        wrong = [problem for record in verdicts for problem in self._problems(record, fraud)]
        if len(self.versions) > 1 and not any(_numbers(record) for record in verdicts):
            wrong.append("no verdict names a version")
        return [*wrong[:_MOST_SHOWN], *([f"{len(wrong)} verdicts of other rules"] if wrong else [])]

    def _write(self) -> None:
        while not self._stop.is_set():
            number = len(self.versions)
            self._producer.produce(self._rules, change_message(self._rules, *self._changes(number)).value, partition=0)
            self._producer.produce(self._lists, self._members(number), partition=0)
            self._producer.flush()
            self._stop.wait(SECONDS_BETWEEN_CHANGES)

    def _members(self, number: int) -> bytes:
        """Return a change set that adds an amount to the list, and removes another, which may not be there."""
        added, removed = self._chance.sample(range(1_000), 2)
        change = ListChange(LIST, number - 1, add=[added], remove=[removed])
        return encode(ListChangeSet(FORMAT, uuid.uuid4().hex, "the test", [change]))

    def _changes(self, number: int) -> Iterator[Mapping[str, Any]]:
        """Yield the changes that make the next version, which is that many changes behind the first."""
        before = number - 1  # each change set is one record, so this is the version of all that it changes
        threshold, low = self._chance.randrange(500, 950), self._chance.randrange(500)
        mode = self._chance.choice(("live", "shadow", "off"))
        self.versions.append(Version(threshold, low, mode))
        yield {"name": "amount_over_threshold", "base": before, "rule": {"when": f"amount > {threshold}"}}
        band = f"amount > {low} and amount <= {low + 100}"
        yield {"name": "band", "base": before, "rule": {"when": band, "mode": mode}}
        yield {"name": f"version-{number}", "base": 0, "rule": {"when": "amount >= 0", "mode": "shadow"}}
        if before:
            yield {"name": f"version-{before}", "base": before}
        else:
            yield {"name": LIST, "base": 0, "rule": {"when": f'round_down(amount) in list["{LIST}"]'}}

    def _problems(self, record: Record, fraud: str) -> Iterator[str]:
        numbers = _numbers(record) or [0]
        where, version = f"{record.topic}[{record.partition}] offset {record.offset}", self.versions[numbers[0]]
        if len(numbers) > 1:
            yield f"{where}: judged by versions {numbers} at once"
        is_watched = any(value and value.startswith(f"{LIST}: ".encode()) for _, value in record.headers)
        if (version.is_fraud(_decode(record.value or b"")["amount"]) or is_watched) != (record.topic == fraud):
            yield f"{where}: not as version {numbers[0]} has it"


def _numbers(record: Record) -> Sequence[int]:
    """Return the versions that a verdict names: one, but none of the first."""
    marks = [value or b"" for name, value in record.headers if name == "shadow.reason"]
    return [int(found[1]) for mark in marks if (found := _MARK.match(mark))]
