"""The load under which faults are injected: a generator, and somebody who writes bad input among its transactions."""

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from messaging.batch import Record
from tests.support.services import Service, Services
from tests.support.topics import Names, message, raw_producer

BAD_PER_SECOND = 20
_START_SECONDS = 20.0
_SENT = r"(?:summary|stopped): sent ([\d,]+)"
_STOPPED = "stopped: sent "
_SENT_ID = r'"id":"([^"]+)"'
_NOT_CONFIRMED = r"not acknowledged by Kafka: ([\d,]+)"
_BAD: Sequence[bytes | None] = (
    None,
    b"",
    b"\xff\x00",
    b"not JSON",
    b'{"id":"1"',
    b'{"id":"1","source":"a","target":"b","amount":"NaN"}',
    b'{"id":"1","source":"a","target":"b","amount":-1}',
    b"[" * 10_000,
)


class Spoiler:
    """Writes bad input at a steady pace, one by one, and counts what was acknowledged."""

    def __init__(self, servers: str, topic: str, per_second: float, chance: random.Random) -> None:
        # What was taken on is tried for as long as it takes.
        self._producer = raw_producer(servers, {"message.timeout.ms": "0", "log_level": "2"})
        self._topic, self._pause, self._chance = topic, 1 / per_second, random.Random(chance.random())
        self._stop = threading.Event()
        self.acknowledged = 0
        self.refused = 0
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write no more, and wait for what is on its way."""
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._stop.wait(self._pause):
            bad = message(self._topic, self._chance.choice(_BAD), b"%d" % self._chance.randrange(1000), partition=None)
            self._producer.produce(bad.topic, bad.value, bad.key, on_delivery=self._count)
            self._producer.flush()

    def _count(self, error: object, _: object) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self.refused += 1


class Load:
    """A generator at a steady pace with bad input among it."""

    def __init__(
        self, services: Services, servers: str, names: Names, settings: Mapping[str, str], chance: random.Random
    ) -> None:
        self._services = services
        self._settings = settings
        self._chance = chance
        self._killed: list[Service] = []
        self._generator = self._start_generator()
        self.spoiler = Spoiler(servers, names.transactions, BAD_PER_SECOND, chance)

    def replace_generator(self) -> None:
        """Kill the generator, and start another."""
        self._generator.kill()
        self._killed.append(self._generator)
        self._generator = self._start_generator()

    def stop(self) -> None:
        """End it; what has been taken on is delivered."""
        self._generator.stop()
        self.spoiler.stop()

    def problems(self, found: Sequence[Record]) -> Sequence[str]:
        """Hold what is in the input against what was logged as sent and what was acknowledged."""
        least = max(_numbers(self._generator, _SENT), default=0) + self.spoiler.acknowledged
        # One that gave up waiting for Kafka has not said how many it has sent since its last summary.
        told_all = self._generator.matches(_STOPPED)
        most = least + sum(_numbers(self._generator, _NOT_CONFIRMED)) if told_all else len(found)
        problems = [f"not acknowledged: {self.spoiler.refused:,}"] if self.spoiler.refused else []
        if self._killed:
            ids = Counter((record.value or b"")[7:43].decode(errors="replace") for record in found)
            sent = [match[1] for generator in self._killed for match in generator.matches(_SENT_ID)]
            problems += [f"sent, and {ids[each]} times there: {each}" for each in sent if ids[each] != 1]
        elif not least <= len(found) <= most:
            problems.append(f"acknowledged {least:,} to {most:,}, found {len(found):,}")
        return problems

    def _start_generator(self) -> Service:
        seed = str(self._chance.randrange(1_000_000))
        generator = self._services.start("generator", RANDOM_SEED=seed, **self._settings)
        generator.wait_for_line("connected", _START_SECONDS)
        return generator


def _numbers(generator: Service, pattern: str) -> Sequence[int]:
    return [int(match[1].replace(",", "")) for match in generator.matches(pattern)]
