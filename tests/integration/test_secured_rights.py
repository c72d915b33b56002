"""A right that is missing is named, that one alone, by the call that needs it; what is not needed is not asked for."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from audit.auditor import Auditor
from audit.settings import AuditSettings
from embedded_kafka.secured import SecuredKafka
from messaging.confluent.processor import ConfluentProcessor
from messaging.seam import FOLLOW, AccessRefused, Reader
from messaging.topics import Topic
from provisioning.principals import Right
from runtime.service import ServiceRefused
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.contract.stage import DEADLINE_SECONDS, POLL_SECONDS, Member, deliver, next_batch
from tests.support.auditing import audit
from tests.support.secured import ONE_PARTITION, Scene
from tests.support.topics import message
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

KAFKAS_DEFAULT_BYTES = 1_048_588


@pytest.fixture
def empty(secured: SecuredKafka, client: str) -> Iterator[Scene]:
    """A scene without topics."""
    scene = Scene(secured, client)
    scene.allow(scene.table)
    yield scene
    secured.apply()


@pytest.fixture
def scene(empty: Scene) -> Scene:
    empty.make_topics()
    return empty


@contextmanager
def detecting(scene: Scene) -> Iterator[Member]:
    """Do what a detector does up to its first poll."""
    connection = scene.connection("detector")
    scene.library.create_topics(connection, scene.topics)
    scene.library.describe_topics(connection, scene.names.topics)
    with closing(scene.library.open_processor(connection, scene.group, scene.names.transactions)) as processor:
        yield Member(processor)


def commit(scene: Scene, client: Member) -> None:
    client.commit([message(output, b"any") for output in scene.names.outputs])


def detect(scene: Scene) -> None:
    with detecting(scene) as client:
        next_batch(client)
        commit(scene, client)


def generate(scene: Scene) -> None:
    connection = scene.connection("generator")
    scene.library.create_topics(connection, {scene.names.transactions: ONE_PARTITION})
    with closing(scene.library.open_publisher(connection)) as publisher:
        deliver(publisher, [message(scene.names.transactions, b"any")])


def check(scene: Scene) -> None:
    audit(scene.settings("audit"))


def operate(scene: Scene) -> None:
    """Change the rules, and look at the latest transactions."""
    connection, names = scene.connection("operator"), scene.names
    scene.library.describe_topics(connection, [names.rules, names.transactions])
    with closing(scene.library.open_publisher(connection)) as publisher:
        deliver(publisher, [message(names.rules, b"any")])
    ends = scene.library.end_offsets(connection, [names.rules, names.transactions])
    with closing(scene.library.open_reader(connection, {}, ends)) as reader:
        wait_until(lambda: not reader.poll(POLL_SECONDS) and not reader.left, DEADLINE_SECONDS, "the ends")


SERVICES: dict[str, Callable[[Scene], object]] = {
    "detector": detect,
    "generator": generate,
    "audit": check,
    "operator": operate,
}


def refusal(user: str, scene: Scene) -> str:
    """Return what is said to be missing, where a service of that user is refused."""
    with pytest.raises((AccessRefused, ServiceRefused)) as refused:
        SERVICES[user](scene)
    return missing(user, str(refused.value))


def missing(user: str, line: str) -> str:
    begin = f"not allowed: KAFKA_SASL_USERNAME={user} lacks the right "
    assert line.startswith(begin), line
    return line.removeprefix(begin)


def seen(resource: str) -> str:
    return f"Describe on {resource} (Read and Write include it)"


@pytest.mark.parametrize("user", SERVICES)
def test_the_rights_of_the_table_are_enough(scene: Scene, user: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    SERVICES[user](scene)
    assert not [line for line in caplog.messages if "right" in line]


@pytest.mark.parametrize("output", ["fraud", "legit", "dead_letter"])
def test_the_detector_lacks_an_output(scene: Scene, output: str) -> None:
    topic = next(name for name in scene.names if name.startswith(output))
    scene.withdraw("detector", "WRITE", topic, "DESCRIBE", "DESCRIBE_CONFIGS")
    assert refusal("detector", scene) == f"Write on topic {topic}"
    scene.withdraw("detector", "WRITE", topic)
    assert refusal("detector", scene) == seen(f"topic {topic}")


def test_the_detector_lacks_several_outputs(scene: Scene) -> None:
    scene.withdraw("detector", "WRITE", "", "DESCRIBE")
    assert refusal("detector", scene) == f"Write on transactional id {scene.names.group}-*"
    scene.allow(
        [right._replace(operation="DESCRIBE" if is_output(scene, right) else right.operation) for right in scene.table]
    )
    assert refusal("detector", scene) == f"Write on topic {', '.join(sorted(scene.names.outputs))}"


def is_output(scene: Scene, right: Right) -> bool:
    return right.operation == "WRITE" and right.principal == "detector" and right.name in scene.names.outputs


def test_the_detector_lacks_its_input(scene: Scene) -> None:
    scene.withdraw("detector", "READ", scene.names.transactions, "DESCRIBE")
    assert refusal("detector", scene) == f"Read on topic {scene.names.transactions}"
    scene.withdraw("detector", "READ", scene.names.transactions)
    assert refusal("detector", scene) == seen(f"topic {scene.names.transactions}")


@pytest.mark.parametrize("instead", [["DESCRIBE"], []])
def test_the_detector_lacks_its_group(scene: Scene, instead: Sequence[str]) -> None:
    scene.withdraw("detector", "READ", scene.names.group, *instead)
    assert refusal("detector", scene) == f"Read on group {scene.names.group}"


@pytest.mark.parametrize("instead", [["DESCRIBE"], []])
def test_the_detector_lacks_its_transactional_id(scene: Scene, instead: Sequence[str]) -> None:
    scene.withdraw("detector", "WRITE", f"{scene.names.group}-", *instead)
    assert refusal("detector", scene) == f"Write on transactional id {scene.names.group}-*"


@pytest.mark.parametrize(
    ("operation", "name", "instead", "lacking"),
    [
        ("READ", "transactions", ["DESCRIBE"], "Read on topic {}"),
        ("READ", "transactions", [], "Read on topic {}"),
        ("WRITE", "fraud", ["DESCRIBE"], "Write on topic {}"),
        ("WRITE", "fraud", [], "Write on topic {}"),
        ("READ", "group", ["DESCRIBE"], "Read on group {}"),
        ("READ", "group", [], "Read on group {}"),
        ("WRITE", "group", [], "Write on transactional id {}-*"),
    ],
)
def test_the_detector_lacks_what_is_withdrawn_while_it_judges(
    scene: Scene, operation: str, name: str, instead: Sequence[str], lacking: str
) -> None:
    name = next(full for full in scene.names if full.startswith(name))
    with detecting(scene) as client:
        next_batch(client)
        scene.withdraw("detector", operation, name, *instead)
        with pytest.raises(AccessRefused) as refused:
            commit(scene, client)
    assert missing("detector", str(refused.value)) == lacking.format(name)


def test_an_output_that_confluents_producer_already_knows_to_be_withdrawn_is_named_alone(secured: SecuredKafka) -> None:
    """Then it refuses the message on the spot, and no Kafka transaction has failed."""
    scene = Scene(secured, "confluent")
    scene.allow(scene.table)
    scene.make_topics()
    with detecting(scene) as client:
        next_batch(client)
        scene.withdraw("detector", "WRITE", scene.names.fraud)
        assert isinstance(client.processor, ConfluentProcessor)
        client.processor._transactions._producer.list_topics(scene.names.fraud, timeout=20)  # noqa: SLF001 - no other way
        with pytest.raises(AccessRefused) as refused:
            commit(scene, client)
    secured.apply()
    assert missing("detector", str(refused.value)) == f"Write on topic {scene.names.fraud}"


def test_the_generator_lacks_its_topic(scene: Scene) -> None:
    scene.withdraw("generator", "WRITE", scene.names.transactions, "DESCRIBE")
    assert refusal("generator", scene) == f"Write on topic {scene.names.transactions}"
    scene.withdraw("generator", "WRITE", scene.names.transactions)
    assert refusal("generator", scene) == seen(f"topic {scene.names.transactions}")


def test_the_generator_lacks_what_is_withdrawn_while_it_sends(scene: Scene) -> None:
    with closing(scene.library.open_publisher(scene.connection("generator"))) as client:
        deliver(client, [message(scene.names.transactions, b"any")])
        scene.withdraw("generator", "WRITE", scene.names.transactions)
        with pytest.raises(AccessRefused) as refused:
            deliver(client, [message(scene.names.transactions, b"any")])
    assert missing("generator", str(refused.value)) == f"Write on topic {scene.names.transactions}"


@pytest.mark.parametrize(("user", "topics"), [("generator", 1), ("detector", 4)])
def test_a_topic_that_has_to_be_made_and_may_not_be(empty: Scene, user: str, topics: int) -> None:
    assert refusal(user, empty) == f"Create on topic {', '.join(sorted(empty.names.topics[:topics]))}"


@pytest.mark.parametrize(("resource", "name"), [("BROKER", "kafka-cluster"), ("TOPIC", "")])
@pytest.mark.parametrize("user", ["generator", "detector"])
def test_a_topic_that_has_to_be_made_and_may_be(empty: Scene, user: str, resource: str, name: str) -> None:
    names = [name] if name else empty.names.topics
    creation = [Right(user, "CREATE", resource, each) for each in names]
    empty.allow([*creation, *(right for right in empty.table if right.operation != "DESCRIBE_CONFIGS")])
    if user == "detector":
        empty.library.create_topics(empty.connection(user), empty.topics)
        empty.make_topics()
    SERVICES[user](empty)


def test_without_the_right_to_see_settings_the_generator_misses_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.allow([right for right in scene.table if right.operation != "DESCRIBE_CONFIGS"])
    generate(scene)
    assert not [line for line in caplog.messages if not line.startswith("Kafka does not answer")]  # a busy machine


@pytest.mark.parametrize("seen_topics", [0, 1])
def test_without_the_right_to_see_settings_the_detector_goes_on_with_kafkas(
    scene: Scene, seen_topics: int, caplog: pytest.LogCaptureFixture
) -> None:
    visible = scene.names.topics[:seen_topics]
    scene.allow([right for right in scene.table if right.operation != "DESCRIBE_CONFIGS" or right.name in visible])
    detect(scene)
    topics = scene.library.describe_topics(scene.connection("detector"), scene.names.topics)
    assert {topics[name] for name in scene.names.topics[seen_topics:]} == {Topic(1, KAFKAS_DEFAULT_BYTES)}
    hidden = ", ".join(sorted(scene.names.topics[seen_topics:]))
    (warning,) = [line for line in caplog.messages if "DescribeConfigs" in line]
    assert warning.startswith(f"KAFKA_SASL_USERNAME=detector lacks the right DescribeConfigs on topic {hidden}: ")


@pytest.mark.parametrize("instead", [["DESCRIBE"], []])
def test_the_detector_lacks_the_rules_that_it_follows(scene: Scene, instead: Sequence[str]) -> None:
    connection, at = scene.connection("detector"), (scene.names.rules, 0)
    with closing(scene.library.open_publisher(scene.connection("operator"))) as publisher:
        deliver(publisher, [message(scene.names.rules, b"any")])
    with closing(scene.library.open_reader(connection, {}, {at: FOLLOW})) as reader:
        wait_until(lambda: reader.poll(0), DEADLINE_SECONDS, "a rule")
        scene.withdraw("detector", "READ", scene.names.rules, *instead)
        assert lacking(reader) == f"Read on topic {scene.names.rules}"
    with closing(scene.library.open_reader(connection, {}, {at: FOLLOW})) as reader:
        assert lacking(reader) == f"Read on topic {scene.names.rules}"


def lacking(reader: Reader) -> str:
    """Return what is said to be missing where a reader of the detector's is refused."""
    with pytest.raises(AccessRefused) as refused:
        wait_until(lambda: bool(reader.poll(0)), DEADLINE_SECONDS, "a refusal")
    return missing("detector", str(refused.value))


@pytest.mark.parametrize("user", ["detector", "audit", "generator"])
def test_only_the_operator_writes_rules(scene: Scene, user: str) -> None:
    with closing(scene.library.open_publisher(scene.connection(user))) as publisher, pytest.raises(AccessRefused) as no:
        deliver(publisher, [message(scene.names.rules, b"any")])
    assert missing(user, str(no.value)) == f"Write on topic {scene.names.rules}"


@pytest.mark.parametrize(("operation", "topic"), [("READ", "rules"), ("WRITE", "rules"), ("READ", "transactions")])
def test_the_operator_lacks_a_topic(scene: Scene, operation: str, topic: str) -> None:
    name = next(full for full in scene.names if full.startswith(topic))
    scene.withdraw("operator", operation, name, "DESCRIBE")
    assert refusal("operator", scene) == f"{operation.title()} on topic {name}"


def test_the_audit_lacks_a_topic(scene: Scene) -> None:
    scene.withdraw("audit", "READ", scene.names.legit, "DESCRIBE")
    detect(scene)
    assert refusal("audit", scene) == f"Read on topic {scene.names.legit}"
    scene.withdraw("audit", "READ", scene.names.legit)
    assert refusal("audit", scene) == seen(f"topic {scene.names.legit}")


def test_the_audit_lacks_the_group(scene: Scene) -> None:
    scene.withdraw("audit", "DESCRIBE", scene.names.group)
    assert refusal("audit", scene) == f"Describe on group {scene.names.group}"


def test_without_the_right_to_see_settings_the_audit_goes_on_with_kafkas(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.allow([right for right in scene.table if right.operation != "DESCRIBE_CONFIGS"])
    auditor = Auditor(read_settings(AuditSettings, scene.settings("audit")), Stop())
    for _ in range(2):
        assert auditor.audit() is not None
    hidden = ", ".join(sorted(scene.names.topics))
    (warning,) = [line for line in caplog.messages if "DescribeConfigs" in line]
    assert warning.startswith(f"KAFKA_SASL_USERNAME=audit lacks the right DescribeConfigs on topic {hidden}: ")
