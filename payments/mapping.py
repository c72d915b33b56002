r"""Where in a record's JSON the fields of a transaction are, and in which units: the settings that say so.

A path leads from the outermost object to a field by the names on the way, with dots between them:
`payload.after.amount`. A dot that belongs to a name is written `\.`, a backslash `\\`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from runtime.parsing import one_of, whole_number
from runtime.settings import InvalidSettings, Mistake, read_settings, setting

Path = tuple[str, ...]
WrittenTime = str | int | Decimal
FieldValue = str | int | Decimal | bool | list["FieldValue"] | dict[str, "FieldValue"] | None

FIELDS = ("id", "source", "target", "amount", "currency", "timestamp")
AUTO = "auto"
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MOST_STEPS = 50
_MOST_DECIMALS = 18
_STEP = re.compile(r"(?:[^.\\]|\\[.\\\[])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_INDEX = re.compile(r"(?<!\\)\[[0-9*]*\]?$")


def field_path(text: str) -> Path:
    """Return a path from how it is written. Raises ValueError(what is expected)."""
    steps = _STEP.findall(text)
    if ".".join(steps) != text or not steps:
        message = r"a path such as amount or payload.after.amount (\. is a dot within a name)"
        raise ValueError(message)
    if any(map(_INDEX.search, steps)):
        message = "a path through objects only, not through an array"
        raise ValueError(message)
    if len(steps) > MOST_STEPS or HALF_A_CHARACTER.search(text):
        message = f"a path of at most {MOST_STEPS} names, in UTF-8"
        raise ValueError(message)
    return tuple(_ESCAPED.sub(r"\1", step) for step in steps)


def optional_field_path(text: str) -> Path | None:
    """Return a path, or None where the text is empty. Raises ValueError(what is expected)."""
    return field_path(text) if text else None


def shown(path: Path) -> str:
    """Return how a path is written."""
    return ".".join(re.sub(r"[.\\]|\[(?=[0-9*]*\]?$)", r"\\\g<0>", step) for step in path)


@dataclass(frozen=True)
class FieldMapping:
    """Where the fields of a transaction are. A path that is None leads nowhere: there is no such field.

    `amount_scale` is how many decimals are left out of an amount: 2 where it is in cents. `timestamp_unit` is s, ms, us
    or ns, or `auto`: told by the size of the number.
    """

    id: Path | None = setting(
        "FIELD_ID",
        "id",
        optional_field_path,
        "where in the JSON a transaction's id is, text or a whole number; empty: topic-partition-offset is its id",
        may_be_empty=True,
    )
    source: Path = setting(
        "FIELD_SOURCE",
        "source",
        field_path,
        "where the paying account is; payload.from is nested",
        may_be_empty=True,  # as it may for the others, so that it is not taken for the default, but refused
    )
    target: Path = setting("FIELD_TARGET", "target", field_path, "where the account that is paid is", may_be_empty=True)
    amount: Path = setting(
        "FIELD_AMOUNT", "amount", field_path, "where the amount is, a number or a string of digits", may_be_empty=True
    )
    currency: Path | None = setting(
        "FIELD_CURRENCY", "currency", optional_field_path, "where the currency is; empty: nowhere", may_be_empty=True
    )
    timestamp: Path | None = setting(
        "FIELD_TIMESTAMP", "timestamp", optional_field_path, "where the time is; empty: nowhere", may_be_empty=True
    )
    amount_scale: int = setting(
        "AMOUNT_SCALE",
        "0",
        partial(whole_number, 0, _MOST_DECIMALS),
        "decimals left out of amounts; 2: they are in cents",
    )
    timestamp_unit: str = setting(
        "TIMESTAMP_UNIT",
        AUTO,
        partial(one_of, (AUTO, *PER_SECOND)),
        "unit of times that are numbers since 1970: s, ms, us or ns; auto: told by their size",
    )

    def __post_init__(self) -> None:
        """Refuse paths of which one leads to another, or through it: a field is either a value or an object."""
        paths = self.paths
        mistakes = [
            Mistake(
                f"FIELD_{name.upper()}", shown(path), f"a path that is not that of FIELD_{other.upper()}, or through it"
            )
            for name, path in paths.items()
            for other, shorter in paths.items()
            if other != name and path[: len(shorter)] == shorter
        ]
        if mistakes:
            raise InvalidSettings(mistakes)

    @property
    def paths(self) -> Mapping[str, Path]:
        """The paths that lead somewhere, by the field's name."""
        paths = ((name, getattr(self, name)) for name in FIELDS)
        return {name: path for name, path in paths if path is not None}

    def is_required(self, name: str) -> bool:
        """Tell whether a record that lacks the field is invalid; currency and time may be missing at their defaults."""
        return name not in ("currency", "timestamp") or getattr(self, name) != (name,)


def as_settings(mapping: FieldMapping) -> Mapping[str, str]:
    """Return the settings that say so, by their names."""
    paths = ((name, getattr(mapping, name)) for name in FIELDS)
    fields = {f"FIELD_{name.upper()}": "" if path is None else shown(path) for name, path in paths}
    return {**fields, "AMOUNT_SCALE": str(mapping.amount_scale), "TIMESTAMP_UNIT": mapping.timestamp_unit}


DEFAULT_MAPPING = read_settings(FieldMapping, {})
