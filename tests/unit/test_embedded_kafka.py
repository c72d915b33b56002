import hashlib
import os
import signal
import socket
from pathlib import Path

import pytest

from embedded_kafka import EmbeddedKafkaError, aot_cache, configuration, jars, ports
from embedded_kafka.choice import port_mistake
from embedded_kafka.command import exit_code
from embedded_kafka.foreground import command_mistakes
from embedded_kafka.readiness import is_ready
from embedded_kafka.waiting import Waiting

CONTENT = b"the bytes of a jar"
JAR = jars.Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


def test_the_lock_holds_the_broker_and_a_hash_for_every_jar() -> None:
    locked = jars.read_lock(jars.LOCK.read_text(encoding="utf-8"))
    assert "org.apache.kafka:kafka_2.13:4.3.1" in [jar.coordinates for jar in locked]
    assert all(len(jar.sha256) == 64 for jar in locked)


def test_every_kafka_jar_in_the_lock_has_the_same_version() -> None:
    locked = jars.read_lock(jars.LOCK.read_text(encoding="utf-8"))
    assert {jar.version for jar in locked if jar.group == "org.apache.kafka"} == {"4.3.1"}


def test_no_two_locked_jars_share_a_file_name() -> None:
    names = [jar.file_name for jar in jars.read_lock(jars.LOCK.read_text(encoding="utf-8"))]
    assert len(names) == len(set(names))


def test_a_jar_that_is_what_was_locked_is_kept(tmp_path: Path) -> None:
    downloaded = tmp_path / "download"
    downloaded.write_bytes(CONTENT)
    jars.keep_verified(downloaded, JAR, tmp_path)
    assert (tmp_path / "thing-1.0.jar").read_bytes() == CONTENT
    assert not downloaded.exists()


def test_a_jar_that_is_not_what_was_locked_is_refused_in_one_line_and_deleted(tmp_path: Path) -> None:
    downloaded = tmp_path / "download"
    downloaded.write_bytes(b"something else")
    with pytest.raises(EmbeddedKafkaError, match=r"^thing-1\.0\.jar was refused and deleted: SHA-256 .*$"):
        jars.keep_verified(downloaded, JAR, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", CONTENT[:-1]])
def test_a_cached_jar_that_is_absent_or_broken_is_missing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / JAR.file_name).write_bytes(content)
    assert jars.missing([JAR], tmp_path) == [JAR]


def test_a_cached_jar_that_is_intact_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / JAR.file_name).write_bytes(CONTENT)
    assert jars.missing([JAR], tmp_path) == []


def test_the_cache_is_where_the_user_wants_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")
    assert jars.cache_folder() == Path("elsewhere/fraud-detection/jars")


@pytest.fixture
def class_path(tmp_path: Path) -> list[Path]:
    jar = tmp_path / "jars" / JAR.file_name
    jar.parent.mkdir()
    jar.write_bytes(CONTENT)
    return [jar]


class Learner:
    """Instead of a broker whose Java writes its cache; raises what it is given."""

    def __init__(self, learned: bytes, problem: Exception | None = None) -> None:
        self.starts = 0
        self._learned = learned
        self._problem = problem

    def __call__(self, _java: object, option: str) -> None:
        self.starts += 1
        if self._problem is not None:
            raise self._problem
        Path(option.removeprefix("-XX:AOTCacheOutput=")).write_bytes(self._learned)


def test_java_s_cache_is_made_once(class_path: list[Path], tmp_path: Path) -> None:
    learn = Learner(b"classes")
    commands = [aot_cache.java_with_cache(class_path, learn, Waiting()) for _ in range(2)]
    (cache,) = tmp_path.glob("*.aot")
    assert learn.starts == 1
    assert cache.read_bytes() == b"classes"
    assert [f"-XX:AOTCache={cache}" in command for command in commands] == [True, True]


def test_a_jar_that_has_changed_needs_another_cache(class_path: list[Path], tmp_path: Path) -> None:
    aot_cache.java_with_cache(class_path, Learner(b"classes"), Waiting())
    os.utime(class_path[0], (1, 1))
    aot_cache.java_with_cache(class_path, Learner(b"classes"), Waiting())
    assert len(list(tmp_path.glob("*.aot"))) == 2


@pytest.mark.parametrize("problem", [None, EmbeddedKafkaError("ended"), OSError("no space left")])
def test_java_starts_without_a_cache_that_could_not_be_made(class_path: list[Path], problem: Exception | None) -> None:
    assert aot_cache.java_with_cache(class_path, Learner(b"", problem), Waiting()) == configuration.java(class_path)


def test_where_java_learns_nothing_it_is_not_tried_again(class_path: list[Path]) -> None:
    learn = Learner(b"", EmbeddedKafkaError("ended"))
    for _ in range(2):
        aot_cache.java_with_cache(class_path, learn, Waiting())
    assert learn.starts == 1


def test_given_properties_go_over_the_broker_s_own() -> None:
    properties = configuration.server_properties(configuration.Ports(1, 2, 3), Path("data"), {"node.id": "7"})
    assert properties["node.id"] == "7"


def test_every_listener_is_bound_to_this_machine_only() -> None:
    properties = configuration.server_properties(configuration.Ports(1, 2, 3), Path("data"), {})
    assert properties["listeners"] == "CLIENTS://127.0.0.1:1,BROKER://127.0.0.1:2,CONTROLLER://127.0.0.1:3"


def test_the_controller_alone_is_the_same_node_on_the_same_data() -> None:
    ports = configuration.Ports(1, 2, 3)
    server = configuration.server_properties(ports, Path("data"), {"node.id": "7"})
    controller = configuration.controller_properties(server, ports)
    assert {controller[name] == server[name] for name in ("node.id", "log.dirs", "controller.quorum.voters")} == {True}
    assert controller["listeners"] == "CONTROLLER://127.0.0.1:3"


def test_backslashes_in_a_property_survive_the_file() -> None:
    assert configuration.as_text({"name": "C:\\data"}) == "name=C:\\\\data\n"


@pytest.mark.parametrize("text", ["abc", "-1", "65536", "9092.0", "²", "", "9" * 5000])
def test_a_port_that_is_no_port_is_a_mistake_that_names_where_it_is_set(text: str) -> None:
    mistake = port_mistake(text)
    assert mistake is not None
    assert mistake.startswith("--port or KAFKA_PORT: expected")


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_port_that_is_taken_is_a_mistake(host: str) -> None:
    with socket.create_server((host, 0)) as server:
        mistake = port_mistake(str(server.getsockname()[1]))
    assert mistake is not None
    assert "in use" in mistake


def test_free_ports_are_different_and_free() -> None:
    chosen = ports.free_ports(3)
    assert len(set(chosen)) == 3
    assert [ports.why_not_free(port) for port in chosen] == [None] * 3


def test_a_command_that_does_not_exist_is_a_mistake() -> None:
    assert command_mistakes(["no-such-command", "start"]) == ["command not found: 'no-such-command'"]


@pytest.mark.parametrize("words", [[], ["sh", "-c", "true"]])
def test_no_command_and_one_that_exists_are_fine(words: list[str]) -> None:
    assert command_mistakes(words) == []


@pytest.mark.parametrize(
    ("returned", "expected"), [(0, 0), (7, 7), (-signal.SIGTERM, 143), (130, 0), (-signal.SIGINT, 0)]
)
def test_the_exit_code_is_the_command_s_and_ctrl_c_counts_as_success(returned: int, expected: int) -> None:
    assert exit_code(returned) == expected


def test_a_server_that_is_not_kafka_is_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(5)
    assert not is_ready(port, None)
