"""Health: the loop keeps touching a file; `python -m runtime.health` fails when that was too long ago."""

import logging
import os
import sys
import time
from pathlib import Path

STALE_AFTER_SECONDS = 15
_BEAT_EVERY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Heartbeat:
    """Touches a file, at most once a second; does nothing without one."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._due = 0.0
        self._has_warned = False

    def beat(self) -> None:
        """Say that the loop has gone round."""
        now = time.monotonic()
        if self._path is not None and now >= self._due:
            self._touch(self._path)
            self._due = now + _BEAT_EVERY_SECONDS

    def _touch(self, path: Path) -> None:
        try:
            path.touch()
        except OSError as error:
            if not self._has_warned:
                logger.warning("HEALTH_FILE=%s cannot be touched, so health checks will fail: %s", path, error.strerror)
            self._has_warned = True


def is_healthy(path: Path, now: float) -> bool:
    """Tell whether the file was touched within STALE_AFTER_SECONDS of `now` (seconds since the epoch).

    A time later than that is of a clock that has been put back since: the loop may have stood still ever after.
    """
    return path.exists() and abs(now - path.stat().st_mtime) < STALE_AFTER_SECONDS


if __name__ == "__main__":
    file = os.environ.get("HEALTH_FILE")
    if not file:
        sys.exit("HEALTH_FILE is not set: there is nothing to look at")
    sys.exit(0 if is_healthy(Path(file), time.time()) else 1)
