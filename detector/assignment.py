"""The partitions that the group assigns to this detector. Each is started once the group's offset in it is certain.

Until then the detector that had it before may still have a Kafka transaction open. Other partitions do not wait.
"""

import logging
from collections import deque
from collections.abc import Iterable

from messaging.batch import Batch
from messaging.seam import OffsetUnstable, Processor
from runtime.timing import Every

_SECONDS_BETWEEN_LINES = 5.0

logger = logging.getLogger(__name__)


class Assignment:
    """Follows what was lost and gained of a topic; `is_starting` while a partition waits."""

    def __init__(self, processor: Processor, topic: str) -> None:
        self._processor = processor
        self.topic = topic
        self._waiting: deque[int] = deque()
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=False)

    @property
    def is_starting(self) -> bool:
        """Whether a partition waits to be started."""
        return bool(self._waiting)

    def change(self, batch: Batch) -> None:
        """Follow what a poll has told; what was lost comes first."""
        if batch.lost:
            logger.info("revoked: %s", self._named(batch.lost))
            self._waiting = deque(partition for partition in self._waiting if partition not in batch.lost)
        if batch.gained:
            logger.info("assigned: %s", self._named(batch.gained))
            self._waiting.extend(sorted(batch.gained))
            self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=False)

    def start(self) -> None:
        """Start what waits, up to the first partition that cannot be started yet; the next call begins with another."""
        while self._waiting:
            try:
                offset = self._processor.committed(self._waiting[0])
            except OffsetUnstable as unstable:
                self._tell(unstable)
                self._waiting.rotate(-1)
                return
            self._processor.start(self._waiting.popleft(), offset)

    def _tell(self, unstable: OffsetUnstable) -> None:
        if self._every.is_due():
            waiting = self._named(self._waiting)
            logger.warning("not started yet: %s; the group's offset may still change: %s", waiting, unstable)

    def _named(self, partitions: Iterable[int]) -> str:
        return ", ".join(f"{self.topic}[{partition}]" for partition in sorted(partitions))
