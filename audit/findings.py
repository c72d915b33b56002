"""What an audit finds, and how it is shown."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

LOST, DOUBLED, MISROUTED, ALTERED = "lost", "doubled", "misrouted", "altered"
OUT_OF_ORDER, FOREIGN = "out of order", "foreign"
KINDS = (LOST, DOUBLED, MISROUTED, ALTERED, OUT_OF_ORDER, FOREIGN)
MOST_EXAMPLES = 5
_WIDTH = 12


class Offences:
    """Counts offences, and keeps the first of each kind as examples."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self.examples: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, example: str) -> None:
        """Count one."""
        self.counts[kind] += 1
        if len(self.examples[kind]) < MOST_EXAMPLES:
            self.examples[kind].append(example)


class Findings(NamedTuple):
    """What an audit has found up to some moment.

    `read` holds the records read of each topic by the topic's name, `in_flight` is how many records of the input the
    detector had not yet committed.
    """

    read: Mapping[str, int]
    offences: Offences
    in_flight: int

    @property
    def law_holds(self) -> bool:
        """Whether nothing has been found."""
        return not self.offences.counts.total()

    def counts(self) -> Mapping[str, int]:
        """Return all numbers by what they count."""
        return {**self.read, **self.offences.counts, "in flight": self.in_flight}


def table(findings: Findings) -> str:
    """Return the numbers as lines of text, and below them the first examples of each kind of offence."""
    width = max(map(len, findings.counts()))
    lines = [f"{what:<{width}} {count:>{_WIDTH},}" for what, count in findings.counts().items()]
    for kind, examples in findings.offences.examples.items():
        lines += [f"{kind}: {example}" for example in examples]
    return "\n".join(lines)
