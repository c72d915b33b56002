"""Both loops on the in-memory cluster."""

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import chain, islice

import pytest
from msgspec.structs import replace

import detector.loop
import detector.report
import generator.loop
import generator.report
import runtime.stop
from decision.code_rules import CodeRule
from decision.decision import Decision
from decision.provenance import decode
from detector.assignment import Assignment
from detector.batch_limit import BatchLimit
from detector.provenance import Provenance
from detector.rule_failures import RuleFailures
from detector.service import prepare, reference_of
from detector.settings import DetectorSettings
from detector.verdict_log import VerdictLog
from generator.fake_transactions import fake_transactions
from generator.messages import as_message
from messaging.batch import Batch, Message
from messaging.seam import BatchAborted, ClientFailed, MessageRefused
from messaging.supervisor import Failures
from messaging.topics import payments_topics
from payments.mapping import DEFAULT_MAPPING
from payments.transaction import Transaction
from payments.writing import TransactionWriter
from runtime.health import Heartbeat
from runtime.service import ServiceFailed
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.in_memory_client import InMemoryCluster, InMemoryProcessor, InMemoryPublisher

WRITER = TransactionWriter(DEFAULT_MAPPING)
SETTINGS = read_settings(DetectorSettings, {})


class StopsAfter(Heartbeat):
    """Asks for a stop at the beginning of the round behind so many."""

    def __init__(self, rounds: int) -> None:
        super().__init__(None)
        self._rounds = rounds
        self.stop = Stop()

    def beat(self) -> None:
        self._rounds -= 1
        if self._rounds < 0:
            self.stop.request()


def broken(_transaction: Transaction) -> str:
    raise KeyError("missing")


def payments(*amounts: str) -> Iterator[Message]:
    for number, amount in enumerate(amounts):
        yield as_message("transactions", WRITER, Transaction(str(number), "a", "b", Decimal(amount), "USD"))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector.loop, "_PAUSE_AFTER_ABORT_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def no_assignments(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "detector.assignment")
    caplog.set_level(logging.WARNING, "messaging.topics")  # of which the rules' is created


@pytest.fixture
def cluster() -> InMemoryCluster:
    cluster = InMemoryCluster()
    cluster.create_topics(SETTINGS.connection, payments_topics(SETTINGS.topic_creation, SETTINGS.topics.all))
    return cluster


def fill(cluster: InMemoryCluster, messages: Iterator[Message]) -> None:
    for message in messages:
        cluster.append(message)


def detector_of(
    cluster: InMemoryCluster, settings: DetectorSettings, heartbeat: Heartbeat, stop: Stop, show: str = "all"
) -> detector.loop.Detector:
    topic = settings.topics.transactions
    processor = InMemoryProcessor(cluster, cluster.groups["detector"], topic)
    decision = Decision(settings.decision, settings.fraud_rules)
    provenance = Provenance("provenance", "detector", topic, decision.basis)
    return detector.loop.Detector(
        processor,
        Assignment(processor, topic),
        decision,
        reference_of(settings, cluster, provenance),
        provenance,
        RuleFailures(settings.dead_letter_limit),
        BatchLimit(settings.group.batch_size),
        prepare(settings, cluster),
        detector.report.Report(VerdictLog(show)),
        heartbeat,
        Failures(lambda: 0),
        stop,
    )


def detect(cluster: InMemoryCluster, rounds: int, show: str = "all", **texts: str) -> detector.report.Report:
    """Go so many rounds, after one in which the partitions are gained."""
    heartbeat = StopsAfter(rounds)
    detecting = detector_of(cluster, read_settings(DetectorSettings, texts), heartbeat, heartbeat.stop, show)
    with closing(detecting.processor), closing(detecting.reference):
        detecting.reference.start(heartbeat.stop, heartbeat)
        detector.loop.poll_and_judge(detecting)
        detector.loop.run(detecting)
    return detecting.report


def amounts(cluster: InMemoryCluster, topic: str) -> list[bytes]:
    return [(record.value or b"").split(b'"amount":')[1].split(b",")[0] for record in cluster.records(topic)]


def test_a_batch_is_judged(cluster: InMemoryCluster) -> None:
    fill(cluster, payments("900.00", "900.01"))
    report = detect(cluster, rounds=1)
    assert (amounts(cluster, "legit"), amounts(cluster, "fraud")) == ([b"900.00"], [b"900.01"])
    assert (report.legit, report.fraud, report.dead_letters) == (1, 1, 0)


def test_an_aborted_batch_is_judged_again_and_counted_once(cluster: InMemoryCluster) -> None:
    fill(cluster, payments("1", "2"))
    cluster.faults.append(BatchAborted("the coordinator said so"))
    report = detect(cluster, rounds=2)
    assert amounts(cluster, "legit") == [b"1", b"2"]
    assert report.judged == 2


def test_batches_that_are_always_aborted_cost_the_client(cluster: InMemoryCluster) -> None:
    fill(cluster, payments("1"))
    cluster.faults.extend([BatchAborted("again")] * 10)
    with pytest.raises(ClientFailed, match="10 consecutive batches aborted"):
        detect(cluster, rounds=100)


def test_aborts_with_a_commit_between_are_no_row(cluster: InMemoryCluster) -> None:
    fill(cluster, payments(*["1"] * 3))
    cluster.faults.extend([BatchAborted("again")] * 9)
    detect(cluster, rounds=10)
    fill(cluster, payments("2"))
    cluster.faults.extend([BatchAborted("again")] * 9)
    detect(cluster, rounds=10)
    assert amounts(cluster, "legit") == [b"1", b"1", b"1", b"2"]


class Polls(Failures):
    """Remembers which polls were undisturbed."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.told: list[bool] = []

    def polled(self, *, is_undisturbed: bool) -> None:
        self.told.append(is_undisturbed)


class Outside(InMemoryProcessor):
    """A processor that never gets into its group."""

    def poll(self, seconds: float, most: int) -> Batch:  # noqa: ARG002 - nothing comes
        return Batch()


def polls_of(detecting: detector.loop.Detector, rounds: int) -> list[bool]:
    clients, heartbeat = Polls(), StopsAfter(rounds)
    detector.loop.run(dataclasses.replace(detecting, clients=clients, heartbeat=heartbeat, stop=heartbeat.stop))
    return clients.told


def test_a_poll_is_undisturbed_unless_its_batch_is_aborted(cluster: InMemoryCluster) -> None:
    fill(cluster, payments("1"))
    cluster.faults.append(BatchAborted("the coordinator said so"))
    detecting = detector_of(cluster, SETTINGS, Heartbeat(None), Stop())
    assert polls_of(detecting, rounds=3) == [True, False, True, True]


def test_no_poll_outside_the_group_is_undisturbed(cluster: InMemoryCluster) -> None:
    processor = Outside(cluster, cluster.groups["detector"], "transactions")
    detecting = detector_of(cluster, SETTINGS, Heartbeat(None), Stop())
    assert polls_of(dataclasses.replace(detecting, processor=processor), rounds=1) == [False, False]


def test_a_failed_client_ends_the_loop(cluster: InMemoryCluster) -> None:
    fill(cluster, payments("1"))
    cluster.faults.append(ClientFailed("fenced"))
    with pytest.raises(ClientFailed, match="fenced"):
        detect(cluster, rounds=1)


def test_a_rule_that_keeps_failing_stops_the_service_before_the_commit(cluster: InMemoryCluster) -> None:
    fill(cluster, payments(*["1"] * 5))
    with pytest.raises(ServiceFailed, match=r"rule broken failed.*5 consecutive failures"):
        detect(cluster, rounds=1, FRAUD_RULES=f"{__name__}:broken", DEAD_LETTER_LIMIT="5")
    assert not cluster.records("dead-letter")


def test_records_that_are_no_transactions_do_not_hide_a_rule_that_keeps_failing(cluster: InMemoryCluster) -> None:
    spoiled = (replace(message, value=b"spoiled") for message in payments("1"))
    fill(cluster, chain(payments(*["1"] * 3), spoiled, payments(*["1"] * 2)))
    with pytest.raises(ServiceFailed, match="5 consecutive failures"):
        detect(cluster, rounds=2, FRAUD_RULES=f"{__name__}:broken", DEAD_LETTER_LIMIT="5")


def test_a_rule_that_fails_now_and_then_makes_dead_letters(cluster: InMemoryCluster) -> None:
    fill(cluster, payments(*["1"] * 4))
    report = detect(cluster, rounds=1, FRAUD_RULES=f"{__name__}:broken", DEAD_LETTER_LIMIT="5")
    assert report.dead_letters == len(cluster.records("dead-letter")) == 4


def test_the_failures_of_an_aborted_batch_are_counted_once(cluster: InMemoryCluster) -> None:
    fill(cluster, payments(*["1"] * 60))
    cluster.faults.append(BatchAborted("again"))
    report = detect(cluster, rounds=2, FRAUD_RULES=f"{__name__}:broken", DEAD_LETTER_LIMIT="100")
    assert report.dead_letters == len(cluster.records("dead-letter")) == 60


def test_failures_in_a_row_go_on_from_batch_to_batch(cluster: InMemoryCluster) -> None:
    fill(cluster, payments(*["1"] * 6))
    with pytest.raises(ServiceFailed, match="5 consecutive failures"):
        detect(cluster, rounds=2, FRAUD_RULES=f"{__name__}:broken", DEAD_LETTER_LIMIT="5", BATCH_SIZE="3")
    assert len(cluster.records("dead-letter")) == 3


def keyless(*numbers: int) -> Iterator[Message]:
    """Yield ten payments in one partition, those of these numbers without a key."""
    for number, message in enumerate(payments(*map(str, range(1, 11)))):
        yield replace(message, key=None if number in numbers else b"a", partition=0)


@pytest.mark.parametrize("refused", [(0,), (9,), (4,), (3, 4, 8), tuple(range(10))])
def test_what_a_topic_refuses_for_good_is_a_dead_letter_and_the_rest_goes_its_way(
    cluster: InMemoryCluster, refused: tuple[int, ...]
) -> None:
    cluster.compacted.add("legit")
    fill(cluster, keyless(*refused))
    report = detect(cluster, rounds=100)
    others = [str(number + 1).encode() for number in range(10) if number not in refused]
    assert amounts(cluster, "legit") == others
    assert amounts(cluster, "dead-letter") == [str(number + 1).encode() for number in refused]
    said = {dict(dead.headers)["__detector.errors.message"] for dead in cluster.records("dead-letter")}
    assert said == {b"refused by the topic: Compacted topic cannot accept message without key"}
    assert (report.legit, report.dead_letters) == (len(others), len(refused))
    assert cluster.groups["detector"].committed["transactions", 0] == 10


def test_an_abort_among_the_pieces_of_a_batch_rewinds_to_the_first_that_is_left(cluster: InMemoryCluster) -> None:
    cluster.compacted.add("legit")
    fill(cluster, keyless(4))
    cluster.faults.extend([MessageRefused("no key"), BatchAborted("the coordinator said so")])
    detect(cluster, rounds=100)
    assert amounts(cluster, "legit") == [str(number).encode() for number in range(1, 11) if number != 5]
    assert amounts(cluster, "dead-letter") == [b"5"]


def test_a_dead_letter_that_is_refused_too_costs_the_client(cluster: InMemoryCluster) -> None:
    cluster.compacted |= {"legit", "dead-letter"}
    fill(cluster, keyless(4))
    with pytest.raises(ClientFailed, match="cannot write a dead letter: Compacted topic"):
        detect(cluster, rounds=100)
    assert amounts(cluster, "legit") == [b"1", b"2", b"3", b"4"]


def test_a_note_that_is_refused_is_nobodys_dead_letter(cluster: InMemoryCluster) -> None:
    fill(cluster, keyless(0))
    cluster.compacted.add("provenance")
    with pytest.raises(ClientFailed, match=r"cannot note what is judged with \(PROVENANCE_TOPIC\): Compacted topic"):
        detect(cluster, rounds=100)
    assert not [*cluster.records("legit"), *cluster.records("dead-letter")]


def test_a_record_whose_note_was_refused_for_a_moment_gets_its_verdict(cluster: InMemoryCluster) -> None:
    fill(cluster, islice(chain(keyless(0)), 1))
    cluster.faults.append(MessageRefused("too large, for a moment"))
    detect(cluster, rounds=100)
    assert (len(cluster.records("legit")), len(cluster.records("dead-letter"))) == (1, 0)
    [note] = cluster.records("provenance")
    assert decode(note.value).offsets == {note_of.partition: 0 for note_of in cluster.records("transactions")}


def test_judging_ends_in_time_and_the_rest_is_judged_next(
    cluster: InMemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector.loop, "MOST_SECONDS", -1.0)
    fill(cluster, payments(*["1"] * 10))
    reports = [detect(cluster, rounds=1).judged for _ in range(3)]
    assert reports == [1, 1, 1]
    assert cluster.records("legit")[0].value != cluster.records("legit")[1].value


def bad(count: int) -> Iterator[Message]:
    for _ in range(count):
        yield Message("transactions", None, b"bad", (), 0, 0)


def test_a_topic_of_another_shape_is_warned_of_once(cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture) -> None:
    fill(cluster, bad(99))
    fill(cluster, payments("1"))
    fill(cluster, bad(350))
    detect(cluster, rounds=1, show="none")
    [warning] = [line for line in caplog.messages if "consecutive" in line]
    assert warning.startswith("100 consecutive records of transactions are dead letters")
    assert "set TRANSACTIONS_TOPIC" in warning
    assert "not JSON" in warning


class StopsAt:
    """A rule that asks for a stop when it is asked so many times."""

    def __init__(self, stop: Stop, time: int) -> None:
        self._stop = stop
        self._time = time
        self.asked = 0

    def __call__(self, _transaction: Transaction) -> None:
        self.asked += 1
        if self.asked == self._time:
            self._stop.request()


@pytest.mark.parametrize("time", [1, 2, 5])
def test_a_stop_in_mid_batch_leaves_the_rest_unasked_and_all_of_it_uncommitted(
    cluster: InMemoryCluster, time: int
) -> None:
    fill(cluster, payments(*["1"] * 5))
    stop = Stop()
    rule = StopsAt(stop, time)
    settings = dataclasses.replace(SETTINGS, fraud_rules=[CodeRule("stops", rule)])
    detecting = detector_of(cluster, settings, Heartbeat(None), stop)
    detector.loop.run(detecting)
    assert rule.asked == time
    assert not cluster.groups["detector"].committed
    assert not any(cluster.records(topic) for topic in ("fraud", "legit", "dead-letter"))
    assert detecting.report.judged == 0


@pytest.mark.parametrize(("show", "labels"), [("all", ["LEGIT", "FRAUD"]), ("fraud", ["FRAUD"]), ("none", [])])
def test_the_log_shows_what_is_asked_for(
    cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture, show: str, labels: list[str]
) -> None:
    caplog.set_level(logging.INFO)
    fill(cluster, payments("1", "950.10"))
    detect(cluster, rounds=1, show=show)
    assert [record.__dict__["label"] for record in caplog.records] == labels


def test_a_verdicts_line_says_all_of_it(cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    fill(cluster, payments("950.10"))
    detect(cluster, rounds=1)
    assert caplog.messages == ["    950.10 USD  a -> b  amount_over_threshold: 950.10 is over 900"]


def test_a_dead_letter_is_a_warning_with_its_coordinates(
    cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture
) -> None:
    fill(cluster, iter([Message("transactions", None, b"\x1b[2J", (), 0, 2)]))
    detect(cluster, rounds=1, show="none")
    assert caplog.records[0].levelname == "WARNING"
    assert caplog.messages[0].startswith("dead letter: transactions[2] offset 0: not JSON")


def test_a_flood_of_dead_letters_is_ten_lines_and_a_number_between_two_summaries(
    cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture
) -> None:
    fill(cluster, (Message("transactions", None, b"bad", (), 0, 0) for _ in range(3_010)))
    report = detect(cluster, rounds=1, show="none")
    lines = [line for line in caplog.messages if line.startswith("dead letter")]
    assert len(lines) == detector.report.MOST_DEAD_LETTER_LINES == 10
    report.total()
    assert caplog.messages[-1:] == ["3,000 more dead letters since the last summary, not logged one by one"]
    assert report.dead_letters == len(cluster.records("dead-letter")) == 3_010


def test_the_first_dead_letters_after_a_summary_have_lines_again(
    cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector.report, "SUMMARY_SECONDS", 0.0)
    monkeypatch.setattr(detector.report, "MOST_DEAD_LETTER_LINES", 1)
    monkeypatch.setattr(detector.report, "_MOST_OF_THE_TIME", 1.0)
    fill(cluster, (Message("transactions", None, b"bad", (), 0, 0) for _ in range(4)))
    detect(cluster, rounds=2, show="none", BATCH_SIZE="2")
    told = "1 more dead letters since the last summary, not logged one by one"
    assert [line if line == told else line[:11] for line in caplog.messages] == ["dead letter", told] * 2


def test_the_summary_comes_when_it_is_time(
    cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(detector.report, "SUMMARY_SECONDS", 0.0)
    fill(cluster, payments("1", "950"))
    detect(cluster, rounds=1, show="none")
    counted = "judged 2, fraud 1 (amount_over_threshold 1), legit 1, dead letters 0"
    assert caplog.messages[0].startswith(f"summary: {counted}, per second ")
    assert caplog.messages[0].endswith(", lag 0")


@pytest.mark.parametrize(("share", "warnings"), [(0.0, 1), (1.0, 0)])
def test_a_log_that_takes_too_much_of_the_time_is_warned_of_once(
    cluster: InMemoryCluster,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    warnings: int,
) -> None:
    monkeypatch.setattr(detector.report, "SUMMARY_SECONDS", 0.0)
    monkeypatch.setattr(detector.report, "_MOST_OF_THE_TIME", share)
    fill(cluster, payments("1", "950"))
    report = detect(cluster, rounds=1, show="all")
    report.summary(lambda: 0)
    assert [line.split(" takes ")[0] for line in caplog.messages if " % of the time" in line] == ["logging"] * warnings


def test_a_lag_that_is_not_known_is_not_called_0(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(detector.report, "SUMMARY_SECONDS", 0.0)
    detector.report.Report(VerdictLog("none")).summary(lambda: None)
    assert caplog.messages[0].endswith(", lag unknown")


def generate(cluster: InMemoryCluster, messages: Iterator[Message], rounds: int) -> generator.report.Report:
    report = generator.report.Report("all", DEFAULT_MAPPING)
    client = InMemoryPublisher(cluster)
    heartbeat = StopsAfter(rounds)
    generator.loop.run(client, messages, 0, report, heartbeat, heartbeat.stop)
    return report


def test_the_generator_ends_with_its_messages(cluster: InMemoryCluster) -> None:
    report = generate(cluster, payments("1", "2", "3"), rounds=1_000_000)
    assert amounts(cluster, "transactions") == [b"1", b"2", b"3"]
    assert report.sent == 3


def test_the_generator_delivers_what_it_took_on_before_it_stops(cluster: InMemoryCluster) -> None:
    stream = fake_transactions(7, 10, lambda: "now")
    report = generate(cluster, (as_message("transactions", WRITER, t) for t in stream), rounds=3)
    assert report.sent == len(cluster.records("transactions")) > 0


def test_the_generator_logs_what_was_delivered(cluster: InMemoryCluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    generate(cluster, payments("1.00"), rounds=2)
    assert caplog.messages == ["      1.00 USD  a -> b"]
    assert caplog.records[0].__dict__["label"] == "SENT"


class Slow(InMemoryPublisher):
    """A client of a cluster that acknowledges nothing for some rounds; remembers how much was in flight."""

    def __init__(self, cluster: InMemoryCluster, rounds: int) -> None:
        super().__init__(cluster)
        self._rounds = rounds
        self.most_in_flight = 0

    def delivered(self, seconds: float) -> Sequence[Message]:
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._rounds -= 1
        return super().delivered(seconds) if self._rounds < 0 else ()


def test_no_more_is_in_flight_than_the_pace_allows_while_kafka_is_away(cluster: InMemoryCluster) -> None:
    client = Slow(cluster, rounds=100)
    stream = fake_transactions(7, 10, lambda: "now")
    messages = (as_message("transactions", WRITER, t) for t in islice(stream, 50_000))
    report = generator.report.Report("none", DEFAULT_MAPPING)
    generator.loop.run(client, messages, 0, report, Heartbeat(None), Stop())
    assert client.most_in_flight == 10_000
    assert report.sent == 50_000


def test_what_kafka_does_not_acknowledge_is_given_up_when_the_stop_has_waited_long_enough(
    cluster: InMemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.stop, "SECONDS_TO_FINISH", 0)
    client = Slow(cluster, rounds=1_000_000)
    heartbeat = StopsAfter(5)
    with pytest.raises(ServiceFailed, match="Kafka has not acknowledged what was sent"):
        generator.loop.run(
            client, payments("1"), 0, generator.report.Report("none", DEFAULT_MAPPING), heartbeat, heartbeat.stop
        )
    assert client.in_flight == 1


def test_what_was_not_confirmed_is_said(caplog: pytest.LogCaptureFixture) -> None:
    report = generator.report.Report("all", DEFAULT_MAPPING)
    report.given_up(0)
    report.given_up(3)
    assert caplog.messages == ["not acknowledged by Kafka: 3"]


class StopsAfterOne(InMemoryPublisher):
    """A client in whose hands a stop is asked for with the first message."""

    def __init__(self, cluster: InMemoryCluster, stop: Stop) -> None:
        super().__init__(cluster)
        self._stop = stop

    def send(self, message: Message) -> None:
        super().send(message)
        self._stop.request()


def test_a_stop_in_mid_bunch_leaves_the_rest_unmade_and_delivers_what_was_sent(cluster: InMemoryCluster) -> None:
    stop = Stop()
    report = generator.report.Report("none", DEFAULT_MAPPING)
    messages = payments(*["1"] * 5)
    generator.loop.run(StopsAfterOne(cluster, stop), messages, 0, report, Heartbeat(None), stop)
    assert report.sent == len(cluster.records("transactions")) == 1
    assert len(list(messages)) == 4
