"""Why a cluster that answers does not take what is written: too few replicas in sync, or no leader."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_MOST_NAMED = 3


class Replicas(NamedTuple):
    """What the cluster says of a partition.

    `assigned` counts all its replicas. `least` is its topic's min.insync.replicas, None where that may not be read.
    """

    has_leader: bool
    in_sync: int
    assigned: int
    least: int | None


def why_not_written(partitions: Mapping[str, Replicas], not_enough: str, no_leader: str) -> str | None:
    """Return why partitions, by their names, take nothing, after the library's own words for it; None: they could."""
    without = [name for name, replicas in partitions.items() if not replicas.has_leader]
    if without:
        return f"{no_leader}: {_listed(without)}"
    short = list(_short(partitions))
    return f"{not_enough}: {_listed(short)}" if short else None


def _short(partitions: Mapping[str, Replicas]) -> Iterator[str]:
    for name, (_, in_sync, assigned, least) in partitions.items():
        if least is None and in_sync < assigned:
            yield f"{name} has {in_sync} of {assigned}"
        elif least is not None and in_sync < least:
            yield f"{name} has {in_sync} of {least} (min.insync.replicas)"


def _listed(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return ", ".join(texts[:_MOST_NAMED]) + more
