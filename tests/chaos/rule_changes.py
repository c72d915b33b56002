"""Rules that change all the time, and a proof of which of them each verdict was made with.

Each version has a rule in shadow of its own that hits everything: the verdict's headers name it.
"""

import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from messaging.batch import Record
from tests.support.change_sets import change_message
from tests.support.topics import Names, raw_producer

SECONDS_BETWEEN_CHANGES = 2.0
_MARK = re.compile(rb"version-([0-9]+): ")
_MOST_SHOWN = 5
_WITHIN_MS = (
    10_000  # a change is taken up within 2 s of its writing; a detector that was suspended may have read before
)
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class Version(NamedTuple):
    """What is fraud: amounts over the threshold, and those of a band where its rule is live; from when on, in ms."""

    threshold: int
    low: int
    mode: str
    since_ms: int

    def is_fraud(self, amount: Decimal) -> bool:
        """Tell whether the rules of this version make it fraud."""
        return amount > self.threshold or (self.mode == "live" and self.low < amount <= self.low + 100)


FIRST = Version(900, 0, "off", 0)


class RuleChanges:
    """Writes a change set every two seconds, once begun."""

    def __init__(self, servers: str, names: Names, chance: random.Random) -> None:
        self._producer = raw_producer(servers, {"message.timeout.ms": "0", "log_level": "2"})
        self._topic, self._chance = names.rules, random.Random(chance.random())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.versions = [FIRST]

    def begin(self) -> None:
        """Begin, unless that has been done."""
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def problems(self, verdicts: Sequence[Record], fraud: str) -> Sequence[str]:
        """Return the first verdicts that are not those of the version they name, or of one that held no longer."""
        wrong = [problem for record in verdicts for problem in self._problems(record, fraud)]
        if len(self.versions) > 1 and not any(_numbers(record) for record in verdicts):
            wrong.append("no verdict names a version")
        return [*wrong[:_MOST_SHOWN], *([f"{len(wrong)} verdicts of other rules"] if wrong else [])]

    def _write(self) -> None:
        while not self._stop.is_set():
            number = len(self.versions)
            self._producer.produce(self._topic, change_message(self._topic, *self._changes(number)).value, partition=0)
            self._producer.flush()
            self._stop.wait(SECONDS_BETWEEN_CHANGES)

    def _changes(self, number: int) -> Iterator[Mapping[str, Any]]:
        """Yield the changes that make the next version, which is that many changes behind the first."""
        before = number - 1  # each change set is one record, so this is the version of all that it changes
        threshold, low = self._chance.randrange(500, 950), self._chance.randrange(500)
        mode = self._chance.choice(("live", "shadow", "off"))
        self.versions.append(Version(threshold, low, mode, time.time_ns() // 1_000_000))
        yield {"name": "amount_over_threshold", "base": before, "rule": {"when": f"amount > {threshold}"}}
        band = f"amount > {low} and amount <= {low + 100}"
        yield {"name": "band", "base": before, "rule": {"when": band, "mode": mode}}
        yield {"name": f"version-{number}", "base": 0, "rule": {"when": "amount >= 0", "mode": "shadow"}}
        if before:
            yield {"name": f"version-{before}", "base": before}

    def _problems(self, record: Record, fraud: str) -> Iterator[str]:
        numbers = _numbers(record) or [0]
        where, version = f"{record.topic}[{record.partition}] offset {record.offset}", self.versions[numbers[0]]
        if len(numbers) > 1:
            yield f"{where}: judged by versions {numbers} at once"
        if version.is_fraud(_decode(record.value or b"")["amount"]) != (record.topic == fraud):
            yield f"{where}: not as version {numbers[0]} has it"
        ends = self.versions[numbers[0] + 1].since_ms if numbers[0] + 1 < len(self.versions) else record.timestamp
        if record.timestamp > ends + _WITHIN_MS:
            yield f"{where}: judged by version {numbers[0]} {record.timestamp - ends} ms after its end"


def _numbers(record: Record) -> Sequence[int]:
    """Return the versions that a verdict names: one, but none of the first."""
    marks = [value or b"" for name, value in record.headers if name == "shadow.reason"]
    return [int(found[1]) for mark in marks if (found := _MARK.match(mark))]
