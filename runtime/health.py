"""Health: the loop touches a file each time round; `python -m runtime.health` fails when that was too long ago."""

import os
import sys
import time
from pathlib import Path

STALE_AFTER_SECONDS = 15
_BEAT_EVERY_SECONDS = 1.0


class Heartbeat:
    """Touches a file, at most once a second; does nothing without one."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._due = 0.0

    def beat(self) -> None:
        """Say that the loop has gone round."""
        now = time.monotonic()
        if self._path is not None and now >= self._due:
            self._path.touch()
            self._due = now + _BEAT_EVERY_SECONDS


def is_healthy(path: Path, now: float) -> bool:
    """Tell whether the file was touched less than STALE_AFTER_SECONDS before `now` (seconds since the epoch)."""
    return path.exists() and now - path.stat().st_mtime < STALE_AFTER_SECONDS


if __name__ == "__main__":
    sys.exit(0 if is_healthy(Path(os.environ["HEALTH_FILE"]), time.time()) else 1)
