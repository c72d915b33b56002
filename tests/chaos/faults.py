"""The faults. Each function stages one, heals it, and expects that the detectors read on without help."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.chaos.scene import ANSWER_SECONDS, PARTITIONS, Scene, is_whole
from tests.support.harmful_rules import HANG_SECONDS
from tests.support.waiting import BUSY, wait_until

ASSIGNED = r"assigned: \S+\[\d"
_NETWORK_SECONDS = 60.0


class Fault(NamedTuple):
    """A fault, and how often it is staged: in a full run and in a short one.

    `detectors` are there at the beginning, and `transactions` are the fewest of a full run. One whose `module` is not
    the detector is there to be caught: it has to break the law.
    """

    name: str
    happen: Callable[[Scene], None]
    times: int
    times_short: int
    detectors: int = 3
    transactions: int = 0
    rules: str = ""
    generator: Mapping[str, str] = MappingProxyType({})
    is_replicated: bool = False
    is_cut: bool = False
    module: str = "detector"


def kill_a_detector(scene: Scene) -> None:
    """SIGKILL, and a new one in its place."""
    scene.detectors.pop(scene.chance.randrange(len(scene.detectors))).kill()
    scene.start_detector()
    scene.expect_recovery()
    scene.pause()


def suspend_a_detector(scene: Scene) -> None:
    """SIGSTOP until the others have its partitions, then SIGCONT."""
    scene.pause()
    sleeper = scene.chance.choice(scene.detectors)
    joined = len(sleeper.matches(ASSIGNED))
    sleeper.pause()
    scene.expect_recovery()
    sleeper.resume()
    scene.expect_recovery()
    sleeper.wait_for_line(ASSIGNED, _NETWORK_SECONDS, count=joined + 1)


def join_or_leave(scene: Scene) -> None:
    """One more up to four, then one less down to one, and so on."""
    scene.is_growing = {1: True, PARTITIONS: False}.get(len(scene.detectors), scene.is_growing)
    if scene.is_growing:
        scene.start_detector()
        scene.detectors[-1].wait_for_line("started")  # a stop before that is not an orderly one
    else:
        code = scene.detectors.pop(scene.chance.randrange(len(scene.detectors))).stop()
        assert code == 0, f"a detector that was asked to stop ended with exit code {code}"
    scene.expect_recovery()
    scene.pause()


def kill_the_generator(scene: Scene) -> None:
    """SIGKILL, and a new one in its place."""
    scene.pause()
    scene.load.replace_generator()
    scene.expect_recovery()


def kill_the_broker(scene: Scene) -> None:
    """SIGKILL, and after a moment a start on its data."""
    scene.pause()
    (broker,) = scene.stage.brokers
    broker.kill()
    scene.pause()
    broker.start()
    scene.expect_recovery()


def kill_a_leader(scene: Scene) -> None:
    """SIGKILL for the broker that leads a partition; it comes back when another one leads."""
    scene.pause()
    partition = scene.chance.randrange(PARTITIONS)
    leader = _leader(scene, partition)
    broker = scene.stage.brokers[leader - 1]
    broker.kill()
    wait_until(lambda: _leader(scene, partition) not in (-1, leader), ANSWER_SECONDS, "a new leader")
    scene.expect_recovery()
    broker.start()
    wait_until(lambda: is_whole(scene.stage, scene.names), 2 * ANSWER_SECONDS, "all replicas in sync")


def cut_the_network(scene: Scene) -> None:
    """Between the first detector and Kafka, for longer than every timeout; then healed."""
    behind = scene.detectors[0]
    joined = len(behind.matches(ASSIGNED))
    scene.pause()
    end = time.monotonic() + scene.pace.cut_seconds
    scene.stage.proxy.cut()
    try:
        scene.expect_recovery()
        time.sleep(max(0.0, end - time.monotonic()))
    finally:
        scene.stage.proxy.heal()
    scene.expect_recovery()
    behind.wait_for_line(ASSIGNED, _NETWORK_SECONDS, count=joined + 1)


def start_without_kafka(scene: Scene) -> None:
    """Kafka is away when the detectors start, and comes later."""
    (broker,) = scene.stage.brokers
    broker.kill()
    count = len(scene.detectors)
    while scene.detectors:
        scene.detectors.pop().kill()
    for _ in range(count):
        scene.start_detector()
    time.sleep(scene.pace.away_seconds)
    scene.detectors[0].wait_for_line("waiting for Kafka")
    broker.start()
    scene.expect_recovery()


def hang_in_a_rule(scene: Scene) -> None:
    """A rule of one detector hangs for a while, and its partitions with it."""
    scene.order.touch()
    wait_until(lambda: not scene.order.exists(), ANSWER_SECONDS, "a rule to hang")
    time.sleep(HANG_SECONDS)
    scene.expect_recovery()


def stay_whole(scene: Scene) -> None:
    """No fault but what the settings bring."""
    scene.expect_recovery()


def delete_the_topics(scene: Scene) -> None:
    """All four are deleted, while the detectors run, and made again."""
    scene.expect_recovery()
    before = scene.end("")
    assert not before.problems, before.problems
    admin = AdminClient({"bootstrap.servers": scene.stage.servers, "log_level": 2})
    for deleted in admin.delete_topics(list(scene.names.topics)).values():
        deleted.result(ANSWER_SECONDS * BUSY)
    scene.begin()
    scene.expect_recovery()


def _leader(scene: Scene, partition: int) -> int:
    admin = AdminClient({"bootstrap.servers": scene.stage.servers, "log_level": 2})
    try:
        topic = admin.list_topics(timeout=2).topics[scene.names.transactions]
    except (KafkaException, KeyError):
        return -1
    return int(topic.partitions[partition].leader)


LOGS_EACH = {"LOG_TRANSACTIONS": "all", "LOG_FORMAT": "json"}
RULES = "tests.support.harmful_rules"

FAULTS = (
    Fault("a detector killed", kill_a_detector, 100, 5, transactions=1_000_000),
    Fault("a detector suspended", suspend_a_detector, 20, 1),
    Fault("detectors joining and leaving", join_or_leave, 30, 3, detectors=1),
    Fault("the generator killed", kill_the_generator, 30, 1, generator=LOGS_EACH),
    Fault("the broker killed", kill_the_broker, 15, 1),
    Fault("a leader of three brokers killed", kill_a_leader, 15, 1, is_replicated=True),
    Fault("a detector's network cut", cut_the_network, 10, 1, is_cut=True),
    Fault("Kafka away at start", start_without_kafka, 1, 1),
    Fault("the topics deleted and made again", delete_the_topics, 1, 0),
    Fault("a rule that raises", stay_whole, 1, 1, rules=f"{RULES}:fails_over_500"),
    Fault("a rule that hangs", hang_in_a_rule, 1, 1, rules=f"{RULES}:hangs_for_a_while"),
)
TO_BE_CAUGHT = Fault("a naive loop suspended", suspend_a_detector, 20, 0, module="tests.chaos.naive_detector")
