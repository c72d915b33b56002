"""How much memory a process takes, as time goes by."""

import threading
from collections.abc import Sequence

import psutil

_SAMPLE_SECONDS = 0.1
_MEGABYTE = 1_000_000
_MOST_GROWTH = 1.25
_MOST_GROWTH_MEGABYTES = 25.0


class Memory:
    """Samples the resident memory of a process until it is closed."""

    def __init__(self, process: int) -> None:
        self._process = psutil.Process(process)
        self._samples: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join()

    def peaks(self) -> tuple[float, float]:
        """Return the peaks, in MB, of the first and of the last third of the time."""
        third = max(1, len(self._samples) // 3)
        return max(self._samples[:third], default=0.0), max(self._samples[-third:], default=0.0)

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            try:
                self._samples.append(self._process.memory_info().rss / _MEGABYTE)
            except psutil.NoSuchProcess:
                return


def is_flat(peaks: Sequence[float]) -> bool:
    """Tell whether the last peak is no more than a quarter, or 25 MB, above the first: batches differ by as much."""
    first, last = peaks
    return last <= max(first * _MOST_GROWTH, first + _MOST_GROWTH_MEGABYTES)
