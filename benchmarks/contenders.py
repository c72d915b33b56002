"""Who is measured: our detector with both clients, and its peers. Each is a command that reads the same environment."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MADE = ROOT / ".bench"
PEERS = Path(__file__).parent / "peers"
KAFKA_STREAMS = MADE / "kafka_streams"

EXACTLY_ONCE = "exactly once"
EXACTLY_ONCE_ALONE = "exactly once, but for rebalances"
AT_MOST_ONCE = "at most once"


class Contender(NamedTuple):
    """A program that routes transactions. `settings` go over those that all of them get."""

    name: str
    command: Sequence[str]
    guarantee: str
    settings: Mapping[str, str] = {}

    @property
    def commits_with_outputs(self) -> bool:
        """Whether its group's offsets become visible together with its outputs."""
        return self.guarantee != AT_MOST_ONCE


def _python(environment: str) -> str:
    return str(MADE / environment / "bin" / "python")


def _own(module: str, client: str) -> Contender:
    settings = {"KAFKA_CLIENT": client, "LOG_TRANSACTIONS": "none"}
    return Contender(f"{module} ({client})", (sys.executable, "-m", module), EXACTLY_ONCE, settings)


DETECTORS = (_own("detector", "confluent"), _own("detector", "kafka-python"))
GENERATORS = (_own("generator", "confluent"), _own("generator", "kafka-python"))
STREAMS = Contender(
    "Kafka Streams",
    ("java", "-cp", f"{KAFKA_STREAMS / 'classes'}:{KAFKA_STREAMS / 'jars'}/*", "Router"),
    EXACTLY_ONCE,
)
BARE = (
    Contender("bare loop (confluent)", (sys.executable, str(PEERS / "bare_confluent.py")), EXACTLY_ONCE),
    Contender("bare loop (kafka-python)", (sys.executable, str(PEERS / "bare_kafka_python.py")), EXACTLY_ONCE),
)
FRAMEWORKS = (
    Contender("aiokafka", (_python("aiokafka"), str(PEERS / "aiokafka_loop.py")), EXACTLY_ONCE_ALONE),
    STREAMS,
    Contender("Quix Streams", (_python("quixstreams"), str(PEERS / "quixstreams_loop.py")), EXACTLY_ONCE),
    Contender("tutorial loop (kafka-python)", (sys.executable, str(PEERS / "tutorial_loop.py")), AT_MOST_ONCE),
)


def chosen(contenders: Sequence[Contender], part_of_name: str) -> list[Contender]:
    """Return those whose names have this in them and that can run here."""
    can_run = [each for each in contenders if each is not STREAMS or (KAFKA_STREAMS / "made-of").exists()]
    found = [each for each in can_run if part_of_name.lower() in each.name.lower()]
    if not found:
        raise SystemExit(f"--only: nobody who can run here has {part_of_name!r} in the name")
    return found
