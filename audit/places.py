"""Places: each stands for a record of the input, with its partition and its index there in one number."""

from collections import defaultdict, deque
from collections.abc import Callable

PARTITION_BIT = 40
INDEX = (1 << PARTITION_BIT) - 1


class Places:
    """The places of each content; several of them by their partitions, in their order."""

    def __init__(self) -> None:
        self._known: dict[int, int | defaultdict[int, deque[int]]] = {}

    def __contains__(self, content: int) -> bool:
        return content in self._known

    def add(self, content: int, place: int) -> None:
        """Take the next place of a content."""
        known = self._known.setdefault(content, place)
        if known is place:
            return
        if isinstance(known, int):
            alike: defaultdict[int, deque[int]] = defaultdict(deque)
            alike[known >> PARTITION_BIT].append(known)
            self._known[content] = known = alike
        known[place >> PARTITION_BIT].append(place)

    def first(self, content: int, partition: int, is_taken: Callable[[int], bool]) -> int | None:
        """Return a place of the content that is not taken, if there is one, best in that partition.

        What is taken has to remain so.
        """
        known = self._known[content]
        if isinstance(known, int):
            return None if is_taken(known) else known
        for places in (known[partition], *known.values()):
            while places:
                if not is_taken(places[0]):
                    return places[0]
                places.popleft()
        return None
