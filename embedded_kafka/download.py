"""Download locked jars from Maven Central, several at a time."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event

from jgo.maven import MavenContext, PythonResolver

from embedded_kafka.errors import EmbeddedKafkaError
from embedded_kafka.jars import Jar, keep_verified
from embedded_kafka.waiting import Waiting

AT_A_TIME = 8
TIMEOUT_SECONDS = 30
CANCEL_SECONDS = 1
MEGABYTE = 1_000_000


def download(jars: Sequence[Jar], folder: Path, waiting: Waiting) -> None:
    """Put each jar into `folder`, verified; the ones that arrived before a failure stay there.

    Nobody else may do the same at the same time. Raises EmbeddedKafkaError and Stopped.
    """
    for left_by_a_killed_process in folder.glob("download-*"):
        shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    cancelled = Event()
    resolver = PythonResolver(progress_callback=partial(_until, cancelled))
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-", ignore_cleanup_errors=True) as temporary:
        context = MavenContext(resolver, Path(temporary), local_repos=[], timeout=TIMEOUT_SECONDS)
        executor = ThreadPoolExecutor(AT_A_TIME)
        downloads = [executor.submit(_fetch, jar, context, folder) for jar in jars]
        try:
            _wait_for(downloads, folder, waiting)
        finally:
            cancelled.set()
            executor.shutdown(wait=False, cancel_futures=True)
            wait(downloads, CANCEL_SECONDS)  # one that waits for the network can take TIMEOUT_SECONDS


def _fetch(jar: Jar, context: MavenContext, folder: Path) -> Path:
    dependency = context.create_dependency(jar.coordinates)
    try:
        downloaded = dependency.artifact.resolve()
    except (RuntimeError, OSError) as error:  # what requests raises is an OSError
        reason = f"{type(error).__name__}; the first start needs the network"
        message = f"{jar.file_name} could not be downloaded from Maven Central ({reason})"
        raise EmbeddedKafkaError(message) from error
    keep_verified(downloaded, jar, folder)
    return folder / jar.file_name


def _wait_for(downloads: Sequence[Future[Path]], folder: Path, waiting: Waiting) -> None:
    here: list[Path] = []
    while len(here) < len(downloads):
        here = [each.result() for each in downloads if each.done()]
        megabytes = sum(path.stat().st_size for path in here) / MEGABYTE
        detail = f"{len(here)} of {len(downloads)} files, {megabytes:.0f} MB"
        waiting.pause(f"Downloading Kafka from Maven Central into {folder}", detail)


# jgo reports each piece of a download to this; it is the one place where a download can be ended early.
@contextlib.contextmanager
def _until(cancelled: Event, _file_name: str, _size: int) -> Iterator[Callable[[int], None]]:
    yield partial(_raise_when, cancelled)


def _raise_when(cancelled: Event, _piece: int) -> None:
    if cancelled.is_set():
        message = "cancelled"
        raise RuntimeError(message)
