"""Download locked jars from Maven Central, several at a time."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from threading import Event

from jgo.maven import MavenContext, PythonResolver

from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.jars import Jar, keep_verified
from embedded_kafka.progress import Progress

AT_A_TIME = 8
TIMEOUT_SECONDS = 30


def download(jars: Sequence[Jar], folder: Path) -> None:
    """Put each jar into `folder`, verified; the ones that arrived before a failure stay there.

    Another process may do the same at the same moment: each downloads into a temporary folder of its own.
    Raises EmbeddedKafkaError.
    """
    _make(folder)
    cancelled = Event()
    resolver = PythonResolver(progress_callback=partial(_until, cancelled))
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as temporary:
        context = MavenContext(resolver, Path(temporary), local_repos=[], timeout=TIMEOUT_SECONDS)
        executor = ThreadPoolExecutor(AT_A_TIME)
        try:
            _wait_for([executor.submit(_fetch, jar, context, folder) for jar in jars])
        finally:
            cancelled.set()
            executor.shutdown(cancel_futures=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder for Kafka's jars cannot be made (XDG_CACHE_HOME chooses another): {error}"
        raise EmbeddedKafkaError(message) from error


def _fetch(jar: Jar, context: MavenContext, folder: Path) -> None:
    dependency = context.create_dependency(jar.coordinates)
    try:
        downloaded = dependency.artifact.resolve()
    except (RuntimeError, OSError) as error:  # what requests raises is an OSError
        reason = f"{type(error).__name__}; the network is needed this once"
        message = f"{jar.file_name} could not be downloaded from Maven Central ({reason})"
        raise EmbeddedKafkaError(message) from error
    keep_verified(downloaded, jar, folder)


def _wait_for(downloads: Sequence[Future[None]]) -> None:
    with Progress("Downloading Kafka's jars", len(downloads), sys.stderr) as progress:
        for finished in as_completed(downloads):
            finished.result()
            progress.advance()


# jgo reports each piece of a download to this; it is the one place where a download can be ended early.
@contextlib.contextmanager
def _until(cancelled: Event, _file_name: str, _size: int) -> Iterator[Callable[[int], None]]:
    yield partial(_raise_when, cancelled)


def _raise_when(cancelled: Event, _piece: int) -> None:
    if cancelled.is_set():
        message = "cancelled"
        raise RuntimeError(message)
