"""A detector with the mistake that many a loop has: at commit time it asks its consumer who it is in the group.

A member that the group has left behind then commits as nobody, which the broker does not check: it doubles records.
"""

from typing import Any

from detector.service import serve
from detector.settings import DetectorSettings
from messaging import kafka_python_client
from runtime.process import begin
from runtime.service import run_service


def _ask_now(membership: Any) -> Any:
    return membership._consumer.group_metadata()  # noqa: SLF001 - the mistake


if __name__ == "__main__":
    naive: Any = kafka_python_client._Membership  # noqa: SLF001 - it is to be broken
    naive.metadata = property(_ask_now, lambda _membership, _kept: None)
    run_service(begin("detector"), DetectorSettings, serve)
