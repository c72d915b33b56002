"""The embedded Kafka, with real brokers."""

import shutil
import socket
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import psutil
import pytest

from embedded_kafka import EmbeddedKafka, EmbeddedKafkaError, aot_cache, installation, jars
from embedded_kafka.broker import learn
from embedded_kafka.waiting import Waiting
from tests.support.topics import create_topics, existing_topics

pytestmark = pytest.mark.integration


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_broker_starts_again_on_its_data_and_its_port_after_a_kill(temporary: Path) -> None:
    with EmbeddedKafka() as kafka:
        create_topics(kafka.bootstrap_servers, "kept")
        kafka.kill()
        assert not kafka.is_running
        kafka.start()
        assert "kept" in existing_topics(kafka.bootstrap_servers)
    assert list(temporary.iterdir()) == []


def test_a_closed_broker_leaves_no_process_and_no_folder(temporary: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    with EmbeddedKafka():
        started = set(psutil.Process().children(recursive=True)) - before
    assert started
    assert not any(process.is_running() for process in started)
    assert list(temporary.iterdir()) == []


def test_a_data_directory_that_was_given_stays_and_can_be_used_again(temporary: Path) -> None:
    directory = temporary / "data of mine"
    with EmbeddedKafka(data_directory=directory) as kafka:
        create_topics(kafka.bootstrap_servers, "kept")
    with EmbeddedKafka(data_directory=directory) as kafka:
        assert "kept" in existing_topics(kafka.bootstrap_servers)


def test_a_broker_that_cannot_start_says_why_with_the_end_of_its_log(temporary: Path) -> None:
    kafka = EmbeddedKafka(properties={"num.io.threads": "many"})
    with pytest.raises(EmbeddedKafkaError, match=r"(?s)broker\.log:.*num\.io\.threads"), kafka:
        pytest.fail("it started")
    assert list(temporary.iterdir()) == []


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        kafka = EmbeddedKafka(port=server.getsockname()[1])
        with pytest.raises(EmbeddedKafkaError, match=r"port \d+ cannot be used"), kafka:
            pytest.fail("it started")


def test_a_downloaded_jar_that_is_not_what_was_locked_is_refused_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_lock = tmp_path / "jars.lock"
    wrong_lock.write_text(f"net.sf.jopt-simple:jopt-simple:5.0.4 {'0' * 64}\n", encoding="utf-8")
    monkeypatch.setattr(installation, "LOCK", wrong_lock)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(EmbeddedKafkaError) as refusal:
        installation.install(Waiting())
    if "could not be downloaded" in str(refusal.value):
        pytest.skip("Maven Central is out of reach")
    assert "jopt-simple-5.0.4.jar was refused" in str(refusal.value)
    assert list(jars.cache_folder().iterdir()) == []


def test_the_cache_of_a_first_start_is_one_that_java_takes(tmp_path: Path) -> None:
    copied = tmp_path / "jars"
    class_path = [copied / jar.name for jar in installation.install(Waiting())]
    shutil.copytree(jars.cache_folder(), copied)
    java = aot_cache.java_with_cache(class_path, partial(learn, Waiting()), Waiting())
    assert [f"-XX:AOTCache={cache}" for cache in tmp_path.glob("*.aot")] == [word for word in java if ".aot" in word]
    subprocess.run([*java, "-XX:AOTMode=on", "kafka.tools.StorageTool", "random-uuid"], check=True)
