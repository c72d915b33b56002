"""Exclusive use of folders and ports. The operating system's locks end with the process, however it ends."""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from embedded_kafka import ports
from embedded_kafka.errors import CannotBeUsed


@contextmanager
def folder_to_oneself(folder: Path, pause: Callable[[], None]) -> Iterator[None]:
    """Wait until no other process has the folder, calling `pause` again and again, and have it. Raises OSError."""
    with _opened(folder) as descriptor:
        while not _is_locked(descriptor):
            pause()
        yield


@contextmanager
def data_directory_to_oneself(directory: Path | None) -> Iterator[None]:
    """Have the folder, which is made where there is none, for one broker's data. Raises CannotBeUsed."""
    if directory is None:
        yield
        return
    with ExitStack() as stack:
        try:
            is_ours = _has_made_and_locked(directory, stack)
        except OSError as error:
            raise CannotBeUsed(f"the data directory {directory} cannot be used: {error.strerror}") from error
        if not is_ours:
            raise CannotBeUsed(f"another Kafka uses the data directory {directory}; choose another")
        yield


def _has_made_and_locked(directory: Path, stack: ExitStack) -> bool:
    directory.mkdir(parents=True, exist_ok=True)
    return _is_locked(stack.enter_context(_opened(directory)))


@contextmanager
def port_to_oneself(port: int) -> Iterator[None]:
    """Have a port of localhost before the broker listens on it, 0 being none. Raises CannotBeUsed.

    On Linux, by a Unix socket in the abstract namespace: like a port it belongs to the network namespace, whoever the
    user is, and leaves no file. Elsewhere the broker finds out later, when it cannot listen.
    """
    with closing(socket.socket(socket.AF_UNIX)) as claim:
        if port and sys.platform == "linux":
            _claim(claim, port)
        yield


def _claim(claim: socket.socket, port: int) -> None:
    try:
        claim.bind(f"\0embedded-kafka-port-{port}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotBeUsed(ports.taken(port, "another Kafka is starting on it")) from error


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
