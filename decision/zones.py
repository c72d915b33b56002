"""The time zones of the IANA database as the package tzdata has them: the same on every machine."""

from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_TZDATA = files("tzdata")
_NAMES = frozenset((_TZDATA / "zones").read_text().split())  # no other name ever becomes that of a file or a module


@lru_cache(maxsize=len(_NAMES))
def time_zone(name: str) -> ZoneInfo | None:
    """Return the time zone of this name, None where there is none."""
    if name not in _NAMES:
        return None
    with (_TZDATA / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
