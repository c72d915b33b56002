"""Detectors at work under a load, to which faults happen."""

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.chaos.checker import CheckResult, check
from tests.chaos.kafka_cluster import KafkaCluster
from tests.chaos.load import Load
from tests.chaos.rule_changes import RuleChanges
from tests.chaos.witness import Witness
from tests.support.group_offsets import GroupOffsets
from tests.support.harmful_rules import HANG_WHEN
from tests.support.services import Service, Services
from tests.support.topics import Names, unique_names
from tests.support.waiting import BUSY, wait_until

PARTITIONS = 4
ANSWER_SECONDS = 30.0


class Intensity(NamedTuple):
    """How hard a run is: transactions a second, how long a cut and an absence last, and settings of all services."""

    per_second: int
    cut_seconds: float
    away_seconds: float
    settings: Mapping[str, str]


class Experiment:
    """The detectors, the load, and everything that a fault needs.

    `order` is a file that does not exist: a rule may wait for it.
    """

    def __init__(
        self, cluster: KafkaCluster, client: str, intensity: Intensity, chance: random.Random, directory: Path
    ) -> None:
        self.cluster = cluster
        self.intensity = intensity
        self.chance = chance
        self.names = unique_names()
        self.order = directory / "order"
        self.detectors: list[Service] = []
        self.is_growing = True
        self.recoveries: list[float] = []
        self._generator = {"TRANSACTIONS_PER_SECOND": str(intensity.per_second), "LOG_TRANSACTIONS": "none"}
        settings = {"KAFKA_BOOTSTRAP_SERVERS": cluster.servers, "KAFKA_CLIENT": client, HANG_WHEN: str(self.order)}
        self._services = Services({**settings, **self.names.settings(), **intensity.settings}, directory)
        self._opened = ExitStack()

    def begin(self, **generator: str) -> None:
        """Make the topics, start the load and somebody who reads along; the generator may have settings of its own."""
        self._generator |= generator
        create_topics(self.cluster, self.names)
        self.group = self._opened.enter_context(closing(GroupOffsets(self.cluster.servers, self.names, PARTITIONS)))
        self._witness = self._opened.enter_context(
            closing(Witness(self.cluster.servers, self.names.outputs, PARTITIONS))
        )
        self.rules = RuleChanges(self.cluster.servers, self.names, self.chance)
        self.load = Load(self._services, self.cluster.servers, self.names, self._generator, self.chance)

    def start_detector(self, module: str = "detector", **settings: str) -> None:
        """Start one more detector."""
        self.detectors.append(self._services.start(module, LOG_TRANSACTIONS="none", **settings))

    def expect_recovery(self) -> None:
        """Wait until something newer than now is judged in each partition, and take note of how long that took."""
        begin = time.monotonic()
        self.group.begin_anew()
        self.group.wait_until_judged(self.group.ends_behind(self.group.ends()))
        self.recoveries.append(time.monotonic() - begin)

    def pause(self) -> None:
        """Let the next fault come at a random moment."""
        time.sleep(self.chance.random())

    def end(self, rules: str) -> CheckResult:
        """End the load, let the detectors judge the rest of it, and look at what there is. They run on."""
        self.rules.close()
        self.load.stop()
        self.group.wait_until_judged(self.group.ends())
        settings = {"KAFKA_BOOTSTRAP_SERVERS": self.cluster.servers, "FRAUD_RULES": rules, **self.names.settings()}
        result = check(settings, self.names, self.load, self.rules, self._witness)
        self._opened.close()
        return result

    def stop_detectors(self) -> Sequence[str]:
        """End them, and return what is wrong about that."""
        codes = [detector.stop() for detector in self.detectors]
        return [f"exit codes of the detectors: {codes}"] if any(codes) else []

    def close(self) -> None:
        """End everything that still lives."""
        self._services.close()
        self._opened.close()


def create_topics(cluster: KafkaCluster, names: Names) -> None:
    """Make the topics, with as many replicas as there are brokers, and wait for their leaders."""
    admin = AdminClient({"bootstrap.servers": cluster.servers, "log_level": 2})
    topics = [NewTopic(name, PARTITIONS, len(cluster.brokers)) for name in names.topics]
    histories = (names.rules, names.lists, names.provenance)
    topics += [NewTopic(name, 1, len(cluster.brokers), config={"retention.ms": "-1"}) for name in histories]
    for created in admin.create_topics(topics).values():
        with suppress(KafkaException):  # a detector may have been quicker
            created.result(ANSWER_SECONDS * BUSY)
    wait_until(lambda: is_whole(cluster, names), ANSWER_SECONDS, "the leaders and replicas of new topics")


def is_whole(cluster: KafkaCluster, names: Names) -> bool:
    """Whether each partition has its leader and every replica is in sync."""
    admin = AdminClient({"bootstrap.servers": cluster.servers, "log_level": 2})
    try:
        topics = admin.list_topics(timeout=2).topics
    except KafkaException:
        return False
    return all(
        name in topics
        and len(topics[name].partitions) == PARTITIONS
        and all(p.leader >= 0 and len(p.isrs) == len(cluster.brokers) for p in topics[name].partitions.values())
        for name in names.topics
    )
