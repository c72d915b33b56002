"""What records were judged with: the notes that detectors leave of it.

There is one for each change, and for each partition gained. It holds from its offsets on, until the next one for the
same partition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import tzdata
from msgspec import Struct

from decision.asked_rule import THRESHOLD_RULE, threshold_rule
from decision.history import Reading, decoded
from decision.rule import Rule
from payments.mapping import FieldMapping, as_settings
from payments.threshold import fraud_threshold
from runtime.settings import InvalidSettings, read_settings

PRODUCT = "0.9.0"
TIME_ZONES: str = tzdata.IANA_VERSION


@dataclass(frozen=True)
class DecisionSettings:
    """All settings that a decision reads, but for the rules of code."""

    mapping: FieldMapping
    fraud_threshold: Decimal = fraud_threshold()

    def as_texts(self) -> Mapping[str, str]:
        """Return them by their names, as they are written."""
        return {**as_settings(self.mapping), "FRAUD_THRESHOLD": f"{self.fraud_threshold:f}"}

    @property
    def defaults(self) -> Mapping[str, Rule]:
        """The rules that hold where their topic has none of the name."""
        return {THRESHOLD_RULE: threshold_rule(self.fraud_threshold)}


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of code by its name, and a hash of the file that it is in; "" where there is none."""

    rule: str
    digest: str


class Basis(Struct, frozen=True, forbid_unknown_fields=True):
    """What is judged with: settings, rules of code, and how far the topics of reference data had been read.

    `product` is the version of this program, `time_zones` that of tzdata.
    """

    settings: Mapping[str, str]
    code_rules: Sequence[Source]
    rules: Reading
    lists: Reading
    product: str = PRODUCT
    time_zones: str = TIME_ZONES


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    """From which offset on, by partition of the input `topic`, a detector of a group has judged with something.

    `detector` is made once for each process, and `number` counts its notes from 1, so a gap shows that one is missing.
    """

    format: int
    group: str
    topic: str
    detector: str
    number: int
    offsets: Mapping[int, int]
    basis: Basis


def noted_settings(basis: Basis) -> DecisionSettings:
    """Return the settings of a basis. Raises ValueError(why) where this version does not have them so."""
    try:
        settings = read_settings(DecisionSettings, basis.settings)
    except InvalidSettings as invalid:
        raise ValueError(f"settings that this version does not know: {invalid.mistakes[0]}") from invalid
    differing = sorted(dict(settings.as_texts().items() ^ basis.settings.items()))
    if differing:
        raise ValueError(f"settings that this version does not have so: {', '.join(differing)}")
    return settings


def differences(here: Basis, there: Basis) -> Sequence[str]:
    """Return in words what differs there from here, but for how far topics have been read."""
    ours, theirs = _comparable(here), _comparable(there)
    names = {**ours, **theirs}
    pairs = ((name, theirs.get(name, ""), ours.get(name, "")) for name in names)
    return [f"{name}={other!r}, not {own!r}" for name, other, own in pairs if other != own]


def _comparable(basis: Basis) -> Mapping[str, str]:
    files = ", ".join(f"{source.rule} {source.digest[:8]}" for source in basis.code_rules)
    return {**basis.settings, "FRAUD_RULES": files, "version": basis.product, "tzdata": basis.time_zones}


def encode(note: Note) -> bytes:
    """Return a note as it stands in the topic: JSON."""
    return msgspec.json.encode(note)


def decode(value: bytes | None) -> Note:
    """Return the note of a record. Raises InvalidRecord."""
    return decoded(value, _decode)


_decode = msgspec.json.Decoder(Note).decode
