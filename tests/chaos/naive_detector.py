"""A detector with the mistake that many a loop has: at commit time it asks its consumer who it is in the group.

A member that the group has left behind then commits as nobody, which the broker does not check: it doubles records.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from detector.service import serve
from detector.settings import DetectorSettings
from messaging.batch import Batch, Message
from messaging.kafka_python.processor import KafkaPythonProcessor
from runtime.process import begin
from runtime.service import run_service

_commit_as_polled = KafkaPythonProcessor.commit


def _commit_as_of_now(self: Any, batch: Batch, messages: Sequence[Message]) -> None:
    producer = self._transactions._producer  # noqa: SLF001 - it is to be broken
    send_offsets = type(producer).send_offsets_to_transaction
    producer.send_offsets_to_transaction = partial(_send_as_of_now, partial(send_offsets, producer), self._consumer)
    _commit_as_polled(self, replace(batch, member=self._consumer.group_metadata()), messages)


def _send_as_of_now(send_offsets: Any, consumer: Any, offsets: Any, _polled: Any) -> None:
    """Ask when all messages are sent, which is when such a loop asks."""
    send_offsets(offsets, consumer.group_metadata())


if __name__ == "__main__":
    naive: Any = KafkaPythonProcessor
    naive.commit = _commit_as_of_now  # it is to be broken
    run_service(begin("detector"), DetectorSettings, serve)
