"""SIGTERM and SIGINT, at every moment: the process ends, its last line is true, and nothing is decided by it."""

import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded_kafka import EmbeddedKafka
from tests.support.conservation import committed_offset, wait_until_judged
from tests.support.services import Service, Services, catches_both
from tests.support.topics import Names, committed, create_topics, message, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

MODULES = ("generator", "detector", "audit")
SIGNALS = (signal.SIGTERM, signal.SIGINT)
PAID = 60
FORCED = "ended by force 3 s after it was asked to stop: still waiting for"
AMOUNTS = r"stopped: judged ([0-9,]+), fraud ([0-9,]+) \([a-z_]+ [0-9,]+\), legit ([0-9,]+), dead letters ([0-9,]+)$"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that nobody should connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


def test_both_stop_in_mid_stream_with_the_right_totals(services: Services, broker: str, names: Names) -> None:
    generator = services.start("generator", TRANSACTIONS_PER_SECOND="1000")
    detector = services.start("detector", BATCH_SIZE="200")
    detector.wait_for_line("LEGIT", count=1_000)
    write(broker, [message(names.transactions, b"no transaction")])
    detector.wait_for_line("WARNING dead letter: ")
    assert [service.stop() for service in (detector, generator)] == [0, 0]
    fraud, legit, dead = (len(committed(broker, topic)) for topic in (names.fraud, names.legit, names.dead_letter))
    totals = [int(total.replace(",", "")) for total in detector.wait_for_line(AMOUNTS).groups()]
    assert totals == [fraud + legit, fraud, legit, dead]
    assert (len(detector.matches("FRAUD")), len(detector.matches("LEGIT"))) == (fraud, legit)
    sent = int(generator.wait_for_line("stopped: sent ([0-9,]+)$")[1].replace(",", ""))
    assert len(generator.matches("SENT")) == sent == len(committed(broker, names.transactions)) - 1


def pay(broker: str, names: Names) -> None:
    """Write a batch of payments."""
    create_topics(broker, names.transactions, partitions=1)
    paid = (f'{{"id":"{n}","source":"a","target":"b","amount":1}}'.encode() for n in range(PAID))
    write(broker, [message(names.transactions, value) for value in paid])


def judging(services: Services, broker: str, names: Names, rule: str) -> Service:
    """Return a detector that is in the midst of a batch, in a rule."""
    pay(broker, names)
    detector = services.start("detector", FRAUD_RULES=f"tests.support.harmful_rules:{rule}", PYTHONUNBUFFERED="1")
    detector.wait_for_line("asked", count=3 if "time" in rule else 1)
    return detector


def assert_nothing_was_decided_by_the_stop(services: Services, broker: str, names: Names) -> None:
    decided = committed_offset(broker, names)
    assert decided < PAID
    assert len(committed(broker, names.legit)) == decided
    assert not [*committed(broker, names.fraud), *committed(broker, names.dead_letter)]
    assert services.start("audit").wait(60) == 0


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("rule", ["takes_its_time", "takes_its_time_and_whatever_is_raised"])
def test_a_stop_in_a_slow_rule_leaves_the_rest_of_the_batch(
    services: Services, broker: str, names: Names, rule: str, number: int
) -> None:
    detector = judging(services, broker, names, rule)
    for _ in range(3):
        detector.signal(number)
    asked = len(detector.matches("asked"))
    assert detector.wait(5) == 0
    assert len(detector.matches("asked")) <= asked + 1
    assert not detector.matches("Traceback|ERROR|WARNING")
    assert_nothing_was_decided_by_the_stop(services, broker, names)


def test_a_stop_while_the_group_waits_for_another_member_is_orderly(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=2)
    suspended = services.start("detector")
    suspended.wait_for_line("assigned")
    suspended.pause()
    joining = services.start("detector")
    joining.wait_for_line("connected: joining")
    assert joining.stop() == 0
    assert not joining.matches("by force|Traceback")


def test_a_rule_that_hangs_is_ended_by_force_and_named(services: Services, broker: str, names: Names) -> None:
    detector = judging(services, broker, names, "never_answers")
    assert detector.stop() == 1
    assert detector.matches(rf"{FORCED} a rule of FRAUD_RULES to answer \(tests.support.harmful_rules, line \d+\)$")
    assert detector.lines[-1].endswith(")")
    assert_nothing_was_decided_by_the_stop(services, broker, names)


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_a_rule_that_keeps_the_interpreter_to_itself_ends_by_sigkill_and_nothing_is_lost(
    services: Services, broker: str, names: Names
) -> None:
    detector = judging(services, broker, names, "keeps_the_interpreter_to_itself")
    detector.signal(signal.SIGTERM)
    assert detector.is_running_after(5)
    detector.kill()
    assert_nothing_was_decided_by_the_stop(services, broker, names)


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
@pytest.mark.parametrize(
    ("rule", "last"),
    [("takes_its_time", "stopped before the end"), ("never_answers", f"{FORCED} .*a rule of FRAUD_RULES")],
)
def test_a_stop_of_an_audit_in_a_rule_says_that_it_was_not_made(
    services: Services, broker: str, names: Names, rule: str, last: str
) -> None:
    code = {"FRAUD_RULES": f"tests.support.harmful_rules:{rule}", "PYTHONUNBUFFERED": "1"}
    pay(broker, names)
    detector = services.start("detector", **code, AT_ONCE="1")
    wait_until_judged(broker, names, PAID)
    assert detector.stop() == 0
    audit = services.start("audit", **code)
    audit.wait_for_line("asked")
    audit.signal(signal.SIGTERM)
    assert audit.wait(5) == 4
    assert re.search(last, audit.lines[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="what a process does with a signal is read from /proc")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("module", MODULES)
def test_a_stop_while_the_process_starts_is_orderly(services: Services, module: str, number: int) -> None:
    service = services.start(module)
    wait_until(lambda: catches_both(service.process_id), 20, "the first moment at which it has a say")
    for _ in range(3):
        service.signal(number)
    assert service.wait(5) == (4 if module == "audit" else 0)
    assert not service.matches("Traceback")


@pytest.mark.parametrize("module", ["generator", "detector"])
def test_with_bad_settings_no_connection_is_made(services: Services, module: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    service = services.start(module, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}", TOPIC_PARTITIONS="none")
    assert service.wait(10) == 2
    assert service.lines == [f"{module}: TOPIC_PARTITIONS='none': expected a whole number from 1 to 10000"]
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_an_audit_that_waits_for_kafka_stops_when_asked_to(services: Services, listener: socket.socket) -> None:
    audit = services.start("audit", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{listener.getsockname()[1]}")
    wait_until(lambda: is_asked(listener), 20, "a connection")
    assert audit.stop() == 4
    assert audit.matches("ERROR   stopped before the end")


def is_asked(listener: socket.socket) -> bool:
    """Tell whether there was a connection since it was asked last; nobody answers it."""
    try:
        listener.accept()
    except BlockingIOError:
        return False
    return True


def test_the_settings_can_be_checked_without_a_start(
    services: Services, tmp_path: Path, listener: socket.socket
) -> None:
    file = tmp_path / "health"
    servers = f"127.0.0.1:{listener.getsockname()[1]}"
    good = [
        services.start(module, "--check", HEALTH_FILE=str(file), KAFKA_BOOTSTRAP_SERVERS=servers) for module in MODULES
    ]
    assert [(service.wait(10), service.lines) for service in good] == [(0, [])] * 3
    assert not file.exists()
    bad = services.start("detector", "--check", HEALTH_FILE=str(tmp_path / "none" / "health"), FRAUD_THRESHOLD="much")
    assert bad.wait(10) == 2
    assert [line.partition("=")[0] for line in bad.lines] == ["detector: FRAUD_THRESHOLD", "detector: HEALTH_FILE"]
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_both_stop_in_time_while_kafka_is_away(client: str, names: Names, tmp_path: Path) -> None:
    with EmbeddedKafka() as kafka:
        settings = {**kafka.settings, "KAFKA_CLIENT": client, **names.settings()}
        with closing(Services(settings, tmp_path)) as services:
            pair = [services.start("generator", TRANSACTIONS_PER_SECOND="50"), services.start("detector")]
            pair[1].wait_for_line("LEGIT")
            kafka.kill()
            for service in pair:
                service.wait_for_line("Kafka does not answer|waiting for Kafka")
            for service in pair:
                assert service.stop() in (0, 1)
                assert not service.matches("Traceback")
