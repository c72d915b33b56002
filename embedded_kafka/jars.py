"""The jars that make the broker: which ones (jars.lock), where they are kept, and whether they are what was locked."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from embedded_kafka.errors import EmbeddedKafkaError

LOCK = Path(__file__).with_name("jars.lock")


class Jar(NamedTuple):
    """One locked jar: its Maven coordinates and the SHA-256 of its bytes, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinates(self) -> str:
        """`group:artifact:version`, as Maven writes it."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """The name of its file, the same in Maven Central and in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def read_lock(text: str) -> list[Jar]:
    """Read lines of `group:artifact:version sha256`; empty ones and comments (`#`) are skipped."""
    return [_read_line(line) for line in text.splitlines() if line and not line.startswith("#")]


def cache_folder() -> Path:
    """Return where the jars stay between runs: a folder of this project in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fraud-detection" / "jars"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Return those that `folder` lacks or holds with other bytes than were locked."""
    return [jar for jar in jars if not _is_intact(folder / jar.file_name, jar.sha256)]


def keep_verified(downloaded: Path, jar: Jar, folder: Path) -> None:
    """Move a downloaded jar into `folder`, in one step, so that other processes see all of it or nothing.

    Raises EmbeddedKafkaError, after deleting the file, when it is not what was locked.
    """
    actual = sha256_of(downloaded)
    if actual != jar.sha256:
        downloaded.unlink()
        message = f"{jar.file_name} was refused and deleted: SHA-256 {actual}, locked is {jar.sha256}"
        raise EmbeddedKafkaError(message)
    downloaded.replace(folder / jar.file_name)


def _read_line(line: str) -> Jar:
    coordinates, sha256 = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256
