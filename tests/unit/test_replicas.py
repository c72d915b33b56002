"""Why a cluster takes nothing, by what it says of its replicas."""

import pytest

from messaging.confluent import replicas
from messaging.confluent.refusals import Refusals
from messaging.replicas import Replicas, why_not_written
from messaging.security.settings import SecuritySettings
from messaging.settings import ConnectionSettings
from runtime.settings import read_settings

SOUND = Replicas(has_leader=True, in_sync=2, assigned=3, least=2)
SHORT = SOUND._replace(in_sync=1)
HIDDEN = SHORT._replace(least=None)
LEADERLESS = SOUND._replace(has_leader=False)


@pytest.mark.parametrize(
    ("partitions", "why"),
    [
        ({}, None),
        ({"a[0]": SOUND}, None),
        ({"a[0]": SOUND._replace(in_sync=3, least=None)}, None),
        ({"a[0]": SOUND, "b[1]": SHORT}, "too few: b[1] has 1 of 2 (min.insync.replicas)"),
        ({"a[0]": HIDDEN}, "too few: a[0] has 1 of 3"),
        ({"a[0]": SHORT, "b[1]": LEADERLESS}, "no leader: b[1]"),
        ({f"a[{n}]": LEADERLESS for n in range(5)}, "no leader: a[0], a[1], a[2], and 2 more"),
    ],
)
def test_it_is_told_by_partition(partitions: dict[str, Replicas], why: str | None) -> None:
    assert why_not_written(partitions, "too few", "no leader") == why


def test_with_no_topic_to_write_to_there_is_nothing_to_be_asked() -> None:
    """A batch may only move the group's offsets."""
    refusals = Refusals(read_settings(SecuritySettings, {}))
    assert replicas.why_not_written(read_settings(ConnectionSettings, {}), refusals, []) is None
