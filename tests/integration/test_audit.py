"""The audit on a real Kafka: it passes what the pair has done, names what others did, and raises no false alarm."""

import json
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from embedded_kafka import EmbeddedKafka
from messaging.batch import Headers, Message
from tests.support.auditing import note
from tests.support.conservation import wait_until_judged
from tests.support.services import Service, Services
from tests.support.topics import WRITE_SECONDS, Names, create_topics, message, open_consumer, raw_producer, send, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

QUIET = {"LOG_TRANSACTIONS": "none"}
HOLDS, BROKEN, NOT_MADE = 0, 1, 4
AUDIT_SECONDS = 30
EXAMPLES = {
    "lost": "transactions[0] offset 0, id 1, expected legit",
    "doubled": "legit[0] offset 2, id 2",
    "misrouted": "legit[0] offset 2, from transactions[0] offset 2, id 3, expected fraud: amount_over_threshold",
    "altered": "legit[0] offset 1, from transactions[0] offset 1, id 2",
    "out of order": "legit[0] offset 1, from transactions[0] offset 0, id 1",
    "foreign": "legit[0] offset 2, id 4",
}


@pytest.fixture(params=["confluent"])
def client(request: pytest.FixtureRequest) -> str:
    """The audit is the same with both, and scripts/chaos holds it against both."""
    return str(request.param)


def paid(number: int, amount: str = "1") -> bytes:
    return f'{{"id":"{number}","source":"a","target":"b","amount":{amount}}}'.encode()


def counts(audit: Service) -> dict[str, int]:
    """Return the last number of each line of the table."""
    rows = audit.matches(r"^([^:]*\S) +([0-9,]+)$")
    return {row[1]: int(row[2].replace(",", "")) for row in rows}


def audited(services: Services, expected: int, **settings: str) -> Service:
    audit = services.start("audit", **settings)
    assert audit.wait(AUDIT_SECONDS) == expected, audit.lines
    assert not audit.matches("Traceback")
    return audit


def commit_offset(servers: str, names: Names, offset: int) -> None:
    with closing(open_consumer(servers, group_id=names.group)) as consumer:
        partition = TopicPartition(names.transactions, 0)
        consumer.assign([partition])
        consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})


def make_topics(broker: str, names: Names) -> None:
    """Make the topics, with a note that FRAUD_THRESHOLD alone is judged with."""
    create_topics(broker, *names.topics, partitions=2)
    create_topics(broker, names.provenance, partitions=1)
    write(broker, [note(names)])


def conserved(names: Names) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return four records of the input, and the outputs that follow from them."""
    inputs = [message(names.transactions, value) for value in (paid(1), paid(2), paid(3, "950"), b"not JSON")]
    coordinates: Headers = [
        ("__detector.errors.topic", names.transactions.encode()),
        ("__detector.errors.partition", b"0"),
        ("__detector.errors.offset", b"3"),
        ("__detector.errors.message", b"why"),
    ]
    return inputs, [
        message(names.legit, paid(1)),
        message(names.legit, paid(2)),
        message(
            names.fraud,
            paid(3, "950"),
            headers=[("fraud.reason", b"amount_over_threshold: much"), ("fraud.score", b"100")],
        ),
        message(names.dead_letter, b"not JSON", headers=coordinates),
    ]


def test_what_the_pair_has_done_passes(services: Services, broker: str, names: Names) -> None:
    generator = services.start("generator", TRANSACTION_COUNT="5000", TRANSACTIONS_PER_SECOND="0", **QUIET)
    assert generator.wait(60) == 0
    bad = [b"", None, b"not JSON", b"[" * 10_000, paid(1, "-1"), b"x" * 1_048_400]
    write(broker, [message(names.transactions, value, headers=[("trace", None)]) for value in bad])
    detector = services.start("detector", **QUIET)
    wait_until_judged(broker, names, 5_000 + len(bad))
    assert detector.stop() == 0
    found = counts(audited(services, HOLDS))
    assert found[names.transactions] == 5_000 + len(bad)
    assert found[names.fraud] + found[names.legit] == 5_000
    assert found[names.dead_letter] == len(bad)
    assert found["in flight"] == 0


def test_repeated_audits_beside_detectors_under_load_raise_no_alarm(
    services: Services, broker: str, names: Names
) -> None:
    load = services.start("generator", TRANSACTIONS_PER_SECOND="500", **QUIET)
    load.wait_for_line("connected")
    detectors = [services.start("detector", BATCH_SIZE="200", **QUIET) for _ in range(2)]
    wait_until_judged(broker, names, 500)
    seen = [counts(audited(services, HOLDS)) for _ in range(2)]
    detectors[0].kill()
    seen.append(counts(audited(services, HOLDS)))
    read = [found[names.transactions] for found in seen]
    assert read == sorted(read)
    assert read[0] < read[-1]
    assert load.stop() == 0
    sent = int(load.wait_for_line("stopped: sent ([0-9,]+)$")[1].replace(",", ""))
    wait_until_judged(broker, names, sent)
    found = counts(audited(services, HOLDS))
    assert (found[names.fraud] + found[names.legit], found["in flight"]) == (sent, 0)


def test_it_follows_until_it_is_stopped(services: Services, names: Names) -> None:
    services.start("detector", **QUIET).wait_for_line("assigned")
    services.start("generator", TRANSACTIONS_PER_SECOND="200", **QUIET)
    follower = services.start("audit", "--follow")
    wait_until(lambda: len(set(totals(follower, names))) > 1, 60, "tables that differ")
    assert follower.stop() == HOLDS
    assert totals(follower, names) == sorted(totals(follower, names))


def totals(audit: Service, names: Names) -> Sequence[int]:
    """Return how many transactions each of its tables has."""
    return [int(match[1].replace(",", "")) for match in audit.matches(f"^{names.transactions} +([0-9,]+)$")]


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
@pytest.mark.parametrize("defect", ["lost", "doubled", "misrouted", "altered", "out of order", "foreign"])
def test_each_way_to_break_the_law_is_named(services: Services, broker: str, names: Names, defect: str) -> None:
    make_topics(broker, names)
    inputs, (first, second, rich, dead) = conserved(names)
    outputs = {
        "lost": [second, rich, dead],
        "doubled": [first, second, second, rich, dead],
        "misrouted": [first, second, message(names.legit, rich.value), dead],
        "altered": [first, message(names.legit, second.value, b"other"), rich, dead],
        "out of order": [second, first, rich, dead],
        "foreign": [first, second, rich, dead, message(names.legit, paid(4))],
    }
    write(broker, inputs)
    write(broker, outputs[defect])
    commit_offset(broker, names, len(inputs))
    audit = audited(services, BROKEN)
    assert {kind for kind, count in counts(audit).items() if count and kind not in names} == {defect}
    shown = [match[1].replace(names.group.removeprefix("group"), "") for match in audit.matches(rf"^{defect}: (.*)$")]
    assert shown == [EXAMPLES[defect]]
    assert len(audit.matches("ERROR   audit failed: not every record is accounted for")) == 1


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_what_the_detectors_have_not_committed_is_in_flight(services: Services, broker: str, names: Names) -> None:
    make_topics(broker, names)
    inputs, outputs = conserved(names)
    write(broker, inputs)
    write(broker, outputs[:1])
    commit_offset(broker, names, 1)
    assert counts(audited(services, HOLDS))["in flight"] == 3


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_an_aborted_output_is_none_and_an_open_one_is_waited_for(services: Services, broker: str, names: Names) -> None:
    make_topics(broker, names)
    inputs, outputs = conserved(names)
    write(broker, inputs)
    writer = raw_producer(broker, {"transactional.id": names.group, "transaction.timeout.ms": "900000"})
    writer.init_transactions(WRITE_SECONDS)
    writer.begin_transaction()
    send(writer, outputs)
    assert writer.flush(WRITE_SECONDS) == 0
    writer.abort_transaction(WRITE_SECONDS)
    writer.begin_transaction()
    send(writer, outputs)
    assert writer.flush(WRITE_SECONDS) == 0
    commit_offset(broker, names, len(inputs))
    audit = services.start("audit")
    assert audit.is_running_after(3)
    writer.commit_transaction(WRITE_SECONDS)
    assert audit.wait(AUDIT_SECONDS) == HOLDS
    assert counts(audit)["in flight"] == 0


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_verdicts_that_no_note_covers_cannot_be_checked_which_is_no_failure(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, *names.topics, partitions=2)
    inputs, outputs = conserved(names)
    write(broker, inputs)
    write(broker, [*outputs[:2], message(names.legit, paid(3, "950")), outputs[3]])
    audit = audited(services, HOLDS)
    assert counts(audit)["not replayable"] == len(inputs)
    first = rf"the first is {names.transactions}\[0\] offset 0: no note says what they were judged with"
    assert audit.matches(f"WARNING not replayable: 4, {first}$")
    assert audit.matches("audit passed: every record is accounted for; 4 verdicts cannot be checked$")


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_conservation_can_be_looked_at_alone(services: Services, broker: str, names: Names) -> None:
    make_topics(broker, names)
    inputs, outputs = conserved(names)
    write(broker, inputs)
    write(broker, [*outputs[:2], message(names.legit, paid(3, "950")), outputs[3]])
    audit = services.start("audit", "--conservation")
    assert audit.wait(AUDIT_SECONDS) == HOLDS
    assert not {"misrouted", "not replayable"} & counts(audit).keys()
    write(broker, outputs[:1])
    again = services.start("audit", "--conservation")
    assert again.wait(AUDIT_SECONDS) == BROKEN
    assert counts(again)["doubled"] == 1


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_its_answer_can_be_json(services: Services, broker: str, names: Names) -> None:
    make_topics(broker, names)
    inputs, outputs = conserved(names)
    write(broker, inputs)
    write(broker, outputs)
    (event,) = [json.loads(line) for line in audited(services, HOLDS, LOG_FORMAT="json").lines[-1:]]
    assert event["counts"][names.transactions] == len(inputs)
    write(broker, outputs[2:3])
    event = next(json.loads(line) for line in audited(services, BROKEN, LOG_FORMAT="json").lines if "counts" in line)
    assert event["examples"] == {"doubled": [f"{names.fraud}[0] offset 1, id 3"]}


@pytest.mark.parametrize("client", ["kafka-python"], indirect=True)
def test_where_it_cannot_audit_it_says_so_in_a_line(services: Services, names: Names) -> None:
    without_topics = audited(services, NOT_MADE)
    assert [re.sub(r"^\S+ ", "", line) for line in without_topics.lines] == [
        f"ERROR   there is no topic {', '.join(names.topics)}: has the detector been started?"
    ]
    without_kafka = audited(services, NOT_MADE, KAFKA_BOOTSTRAP_SERVERS="localhost:1")
    assert len(without_kafka.lines) == 1
    assert without_kafka.matches("ERROR   no answer from Kafka at localhost:1: ")
    assert audited(services, 2, AMOUNT_SCALE="much").lines == [
        "audit: AMOUNT_SCALE='much': expected a whole number from 0 to 18"
    ]


def test_a_cluster_that_has_never_had_a_group_can_be_audited(names: Names, tmp_path: Path) -> None:
    """Its coordinator has just begun, of which librdkafka's administrator would die."""
    slow = {"offsets.topic.num.partitions": "500"}
    with EmbeddedKafka(properties=slow) as kafka, closing(Services(names.settings(), tmp_path)) as services:
        create_topics(kafka.bootstrap_servers, *names.topics)
        audit = services.start("audit", KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers)
        assert audit.wait(4 * AUDIT_SECONDS) == HOLDS, audit.lines
        assert audit.matches(f"the group {names.group} has committed nothing")
