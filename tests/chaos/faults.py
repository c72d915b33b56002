"""The faults. Each function injects one, heals it, and expects that the detectors read on without help."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.chaos.experiment import ANSWER_SECONDS, PARTITIONS, Experiment, is_whole
from tests.support.harmful_rules import HANG_SECONDS
from tests.support.waiting import BUSY, wait_until

ASSIGNED = r"assigned: \S+\[\d"
FEWEST_WITH_ONE_TO_SPARE = 3  # so that of those left one can be suspended
_JOINING_SECONDS = 3.0
_NETWORK_SECONDS = 60.0


class Fault(NamedTuple):
    """A fault, and how often it is injected: in a full run and in a short one.

    `detectors` are there at the beginning, and `transactions` are the fewest of a full run. One whose `module` is not
    the detector is there to be caught: it has to break the law.
    """

    name: str
    happen: Callable[[Experiment], None]
    times: int
    times_short: int
    detectors: int = 3
    transactions: int = 0
    rules: str = ""
    generator: Mapping[str, str] = MappingProxyType({})
    is_replicated: bool = False
    is_cut: bool = False
    module: str = "detector"


def kill_a_detector(experiment: Experiment) -> None:
    """SIGKILL, and a new one in its place."""
    experiment.detectors.pop(experiment.chance.randrange(len(experiment.detectors))).kill()
    experiment.start_detector()
    experiment.expect_recovery()
    experiment.pause()


def suspend_a_detector(experiment: Experiment) -> None:
    """SIGSTOP until the others have its partitions, then SIGCONT."""
    experiment.pause()
    sleeper = experiment.chance.choice(experiment.detectors)
    joined = len(sleeper.matches(ASSIGNED))
    sleeper.pause()
    experiment.expect_recovery()
    sleeper.resume()
    experiment.expect_recovery()
    sleeper.wait_for_line(ASSIGNED, _NETWORK_SECONDS, count=joined + 1)


def suspend_while_another_joins(experiment: Experiment) -> None:
    """SIGSTOP for one of them while one more comes, SIGCONT when the others have its partitions; then one leaves."""
    experiment.start_detector()
    experiment.detectors[-1].wait_for_line("connected")
    time.sleep(experiment.chance.uniform(0, _JOINING_SECONDS))
    sleeper = experiment.chance.choice(experiment.detectors[:-1])
    sleeper.pause()
    experiment.expect_recovery()
    sleeper.resume()
    experiment.expect_recovery()
    code = experiment.detectors.pop().stop()
    assert code == 0, f"a detector that was asked to stop ended with exit code {code}"
    experiment.expect_recovery()


def join_or_leave(experiment: Experiment) -> None:
    """One more up to four, then one less down to one, and so on."""
    experiment.is_growing = {1: True, PARTITIONS: False}.get(len(experiment.detectors), experiment.is_growing)
    if experiment.is_growing:
        experiment.start_detector()
        experiment.detectors[-1].wait_for_line("started")  # a stop before that is not an orderly one
    else:
        code = experiment.detectors.pop(experiment.chance.randrange(len(experiment.detectors))).stop()
        assert code == 0, f"a detector that was asked to stop ended with exit code {code}"
    experiment.expect_recovery()
    experiment.pause()


def kill_the_generator(experiment: Experiment) -> None:
    """SIGKILL, and a new one in its place."""
    experiment.pause()
    experiment.load.replace_generator()
    experiment.expect_recovery()


def kill_the_broker(experiment: Experiment) -> None:
    """SIGKILL, and after a moment a start on its data."""
    experiment.pause()
    (broker,) = experiment.cluster.brokers
    broker.kill()
    experiment.pause()
    broker.start()
    experiment.expect_recovery()


def kill_a_leader(experiment: Experiment) -> None:
    """SIGKILL for the broker that leads a partition; it comes back when another one leads."""
    experiment.pause()
    partition = experiment.chance.randrange(PARTITIONS)
    leader = _leader(experiment, partition)
    broker = experiment.cluster.brokers[leader - 1]
    broker.kill()
    wait_until(lambda: _leader(experiment, partition) not in (-1, leader), ANSWER_SECONDS, "a new leader")
    experiment.expect_recovery()
    broker.start()
    wait_until(lambda: is_whole(experiment.cluster, experiment.names), 2 * ANSWER_SECONDS, "all replicas in sync")


def cut_the_network(experiment: Experiment) -> None:
    """Between the first detector and Kafka, for longer than every timeout; then healed."""
    behind = experiment.detectors[0]
    joined = len(behind.matches(ASSIGNED))
    experiment.pause()
    end = time.monotonic() + experiment.intensity.cut_seconds
    experiment.cluster.proxy.cut()
    try:
        experiment.expect_recovery()
        time.sleep(max(0.0, end - time.monotonic()))
    finally:
        experiment.cluster.proxy.heal()
    experiment.expect_recovery()
    behind.wait_for_line(ASSIGNED, _NETWORK_SECONDS, count=joined + 1)


def start_without_kafka(experiment: Experiment) -> None:
    """Kafka is away when the detectors start, and comes later."""
    (broker,) = experiment.cluster.brokers
    broker.kill()
    count = len(experiment.detectors)
    while experiment.detectors:
        experiment.detectors.pop().kill()
    for _ in range(count):
        experiment.start_detector()
    time.sleep(experiment.intensity.away_seconds)
    experiment.detectors[0].wait_for_line("waiting for Kafka")
    broker.start()
    experiment.expect_recovery()


def hang_in_a_rule(experiment: Experiment) -> None:
    """A rule of one detector hangs for a while, and its partitions with it."""
    experiment.order.touch()
    wait_until(lambda: not experiment.order.exists(), ANSWER_SECONDS, "a rule to hang")
    time.sleep(HANG_SECONDS)
    experiment.expect_recovery()


def change_rules(experiment: Experiment) -> None:
    """Rules change every two seconds; meanwhile a detector is killed, one is suspended, and one joins or leaves."""
    experiment.rules.begin()
    kill_a_detector(experiment)
    suspend_a_detector(experiment)
    experiment.is_growing = len(experiment.detectors) < FEWEST_WITH_ONE_TO_SPARE
    join_or_leave(experiment)


def stay_whole(experiment: Experiment) -> None:
    """No fault but what the settings bring."""
    experiment.expect_recovery()


def delete_the_topics(experiment: Experiment) -> None:
    """All four are deleted, while the detectors run, and made again."""
    experiment.expect_recovery()
    before = experiment.end("")
    assert not before.problems, before.problems
    admin = AdminClient({"bootstrap.servers": experiment.cluster.servers, "log_level": 2})
    for deleted in admin.delete_topics(list(experiment.names.topics)).values():
        deleted.result(ANSWER_SECONDS * BUSY)
    experiment.begin()
    experiment.expect_recovery()


def _leader(experiment: Experiment, partition: int) -> int:
    admin = AdminClient({"bootstrap.servers": experiment.cluster.servers, "log_level": 2})
    try:
        topic = admin.list_topics(timeout=2).topics[experiment.names.transactions]
    except (KafkaException, KeyError):
        return -1
    return int(topic.partitions[partition].leader)


LOGS_EACH = {"LOG_TRANSACTIONS": "all", "LOG_FORMAT": "json"}
RULES = "tests.support.harmful_rules"

FAULTS = (
    Fault("a detector killed", kill_a_detector, 100, 3, transactions=1_000_000),
    Fault("a detector suspended", suspend_a_detector, 20, 1),
    Fault("a detector suspended while another joins", suspend_while_another_joins, 20, 1),
    Fault("detectors joining and leaving", join_or_leave, 30, 3, detectors=1),
    Fault("the generator killed", kill_the_generator, 30, 1, generator=LOGS_EACH),
    Fault("the broker killed", kill_the_broker, 15, 1),
    Fault("a leader of three brokers killed", kill_a_leader, 15, 1, is_replicated=True),
    Fault("a detector's network cut", cut_the_network, 10, 1, is_cut=True),
    Fault("Kafka away at start", start_without_kafka, 1, 1),
    Fault("the topics deleted and made again", delete_the_topics, 1, 0),
    Fault("rules changed every 2 s, detectors killed, suspended, joining and leaving", change_rules, 10, 1),
    Fault("a rule that raises", stay_whole, 1, 1, rules=f"{RULES}:fails_over_500"),
    Fault("a rule that hangs", hang_in_a_rule, 1, 1, rules=f"{RULES}:hangs_for_a_while"),
)
TO_BE_CAUGHT = Fault("a naive loop suspended", suspend_a_detector, 20, 0, module="tests.chaos.naive_detector")
