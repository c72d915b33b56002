"""What an audit finds, and how it is shown."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from messaging.batch import Place

LOST, DOUBLED, MISROUTED, ALTERED = "lost", "doubled", "misrouted", "altered"
OUT_OF_ORDER, FOREIGN = "out of order", "foreign"
NOT_REPLAYABLE = "not replayable"  # no offence
KINDS = (LOST, DOUBLED, MISROUTED, ALTERED, OUT_OF_ORDER, FOREIGN)
_JUDGED = (MISROUTED, NOT_REPLAYABLE)
MOST_EXAMPLES = 5
_WIDTH = 12


class Offence(NamedTuple):
    """The record of an output that should not be as it is, and that of the input it follows from, as far as known."""

    output: Place | None
    origin: Place | None

    def __str__(self) -> str:
        return ", from ".join(str(place) for place in self if place is not None)


class Offences:
    """Counts offences, and keeps the first of each kind. `notes` is what is known of these besides."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self.first: defaultdict[str, list[Offence]] = defaultdict(list)
        self.notes: dict[tuple[str, Offence], str] = {}

    def add(self, kind: str, output: Place | None, origin: Place | None = None) -> None:
        """Count one."""
        self.counts[kind] += 1
        if len(self.first[kind]) < MOST_EXAMPLES:
            self.first[kind].append(Offence(output, origin))

    @property
    def examples(self) -> Mapping[str, Sequence[str]]:
        """The first of each kind, in words."""
        return {kind: [self._in_words(kind, each) for each in first] for kind, first in self.first.items()}

    def _in_words(self, kind: str, offence: Offence) -> str:
        return ", ".join(filter(None, (str(offence), self.notes.get((kind, offence)))))


class Unknown(NamedTuple):
    """How many verdicts cannot be checked for one cause, and the first record of the input that has such a one."""

    verdicts: int
    first: Place


class Findings(NamedTuple):
    """What an audit has found up to some moment.

    `read` holds the records read of each topic by the topic's name, `in_flight` is how many records of the input the
    detector had not yet committed, `deleted_unread` how many Kafka had deleted by then, `versions` by how many versions
    of the rules they were judged. `not_replayable` has by their causes the verdicts that cannot be checked any more.
    Where nothing `is_judged`, only what is conserved was looked at.
    """

    read: Mapping[str, int]
    offences: Offences
    in_flight: int
    not_replayable: Mapping[str, Unknown] = MappingProxyType({})
    deleted_unread: int = 0
    versions: int = 0
    is_judged: bool = True

    @property
    def law_holds(self) -> bool:
        """Whether nothing has been found; what cannot be known is nothing."""
        return not (self.offences.counts.total() or self.deleted_unread)

    def counts(self) -> Mapping[str, int]:
        """Return all numbers by what they count, but for what was not looked at."""
        unknown = sum(unknown.verdicts for unknown in self.not_replayable.values())
        others = {NOT_REPLAYABLE: unknown, "deleted unread": self.deleted_unread, "in flight": self.in_flight}
        counts = {**self.read, **self.offences.counts, **others}
        return {what: count for what, count in counts.items() if self.is_judged or what not in _JUDGED}


def table(findings: Findings) -> str:
    """Return the numbers as lines of text, and below them the first examples of each kind of offence."""
    width = max(map(len, findings.counts()))
    lines = [f"{what:<{width}} {count:>{_WIDTH},}" for what, count in findings.counts().items()]
    for kind, examples in findings.offences.examples.items():
        lines += [f"{kind}: {example}" for example in examples]
    return "\n".join(lines)
