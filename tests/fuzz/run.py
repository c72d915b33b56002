"""One phase: a detector under a stream of records, then the audit of what it made of them."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from payments.mapping import FieldMapping
from runtime.settings import read_settings
from tests.fuzz.memory import Memory
from tests.fuzz.records import ProducerRecord, mapped, random_mapping
from tests.fuzz.writer import Writer, open_writer
from tests.support.auditing import audit, problems
from tests.support.group_offsets import GroupOffsets
from tests.support.services import Service, Services
from tests.support.topics import create_topics, unique_names
from tests.support.waiting import wait_until

PARTITIONS = 4
MOST_AHEAD = 20_000  # what a client reads ahead is then full in a few seconds, and grows no more
_LOOK_SECONDS = 0.5
_START_SECONDS = 20.0
_CATCH_UP_SECONDS = 60.0
_TROUBLE = r"with a new client|aborted|Traceback|ERROR|gave up"

Records = Callable[[random.Random, int], Iterator[ProducerRecord]]


class Phase(NamedTuple):
    """A kind of records, its part of the time, how many of them there are at most, and the settings to read them."""

    name: str
    records: Records
    share: float
    most: int = 1_000_000_000
    settings: Mapping[str, str] = MappingProxyType({})


def mapped_phase(chance: random.Random, share: float, most: int) -> Phase:
    """Return a phase with a mapping at random, and a rule that asks for one more field."""
    settings = random_mapping(chance)
    records = partial(mapped, read_settings(FieldMapping, settings))
    rule = {"FRAUD_RULES": "tests.support.shapes:sees_x", "DEAD_LETTER_LIMIT": "1000000000"}
    return Phase("of another shape", records, share, most, {**settings, **rule})


class PhaseResult(NamedTuple):
    """The auditor's counts, the peaks of memory in MB early and late in the phase, and every problem in words."""

    counts: Mapping[str, int]
    peaks: tuple[float, float]
    problems: Sequence[str]


class FuzzTarget(NamedTuple):
    """What is fuzzed: the detector on a broker, with a client library and settings; and a folder for the logs."""

    servers: str
    client: str
    directory: Path
    settings: Mapping[str, str] = MappingProxyType({})


def run(phase: Phase, target: FuzzTarget, seconds: float, seed: int, advance: Callable[[], object]) -> PhaseResult:
    """Stream records of one kind at a detector for so many seconds, and audit. `advance` is called now and then."""
    names = unique_names()
    create_topics(target.servers, names.transactions, partitions=PARTITIONS)
    settings = {"KAFKA_BOOTSTRAP_SERVERS": target.servers, **names.settings(), **phase.settings}
    with ExitStack() as stack:
        services = stack.enter_context(closing(Services({**settings, "KAFKA_CLIENT": target.client}, target.directory)))
        detector = services.start("detector", **{**phase.settings, **target.settings, "LOG_TRANSACTIONS": "none"})
        detector.wait_for_line("assigned", _START_SECONDS)
        memory = stack.enter_context(closing(Memory(detector.process_id)))
        group = stack.enter_context(closing(GroupOffsets(target.servers, names, PARTITIONS)))
        chance = random.Random(f"{seed} {phase.name}")
        writer = stack.enter_context(open_writer(target.servers, names.transactions, chance))
        records = phase.records(chance, time.time_ns() // 1_000_000)
        _stream(writer, records, phase.most, time.monotonic() + seconds, group, advance)
        group.wait_until_judged(writer.end(PARTITIONS))
        peaks = memory.peaks()
        troubles = _troubles(detector)
    findings = audit(settings)
    return PhaseResult(findings.counts(), peaks, [*troubles, *problems(findings)])


def _stream(
    writer: Writer,
    records: Iterator[ProducerRecord],
    most: int,
    end: float,
    group: GroupOffsets,
    advance: Callable[[], object],
) -> None:
    written, look = 0, 0.0
    while time.monotonic() < end and written < most:
        written += writer.write(records)
        if time.monotonic() > look:
            wait_until(lambda: group.lag() < MOST_AHEAD, _CATCH_UP_SECONDS, "the detector to catch up")
            look = time.monotonic() + _LOOK_SECONDS
            advance()


def _troubles(detector: Service) -> Sequence[str]:
    told = [match.string for match in detector.matches(_TROUBLE)]
    code = detector.stop()
    return [*told, *([f"exit code {code}"] if code else [])]
