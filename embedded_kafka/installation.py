"""Installs the broker's jars on this machine: once, verified, one process at a time."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from embedded_kafka.claims import folder_to_oneself
from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.jars import LOCK, Jar, cache_folder, missing, read_lock
from embedded_kafka.waiting import Waiting


def install(waiting: Waiting) -> list[Path]:
    """Return the paths of all the broker's jars, downloading what the cache lacks; offline when it lacks nothing.

    Raises EmbeddedKafkaError when a jar cannot be had or is not what was locked, and Stopped.
    """
    jars = read_lock(LOCK.read_text(encoding="utf-8"))
    folder = cache_folder()
    if missing(jars, folder):
        try:
            _download(jars, folder, waiting)
        except OSError as error:
            raise EmbeddedKafkaError(
                f"the folder for Kafka's jars cannot be used (XDG_CACHE_HOME chooses another): {error}"
            ) from error
    return [folder / jar.file_name for jar in jars]


def _download(jars: Iterable[Jar], folder: Path, waiting: Waiting) -> None:
    from embedded_kafka.download import download  # noqa: PLC0415 - jgo takes 0.3 s to import, once is enough

    folder.mkdir(parents=True, exist_ok=True)
    with folder_to_oneself(folder, partial(waiting.pause, "Downloading Kafka, in another process")):
        download(missing(jars, folder), folder, waiting)
    waiting.done()
