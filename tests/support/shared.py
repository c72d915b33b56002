"""What tests share because it is costly: made when one asks for it, and made anew when it is of no more use."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_FAILURES = 3


class Shared(Generic[T]):
    """Something that is lent to one test after the other.

    A fixture that pytest keeps for a session keeps its failure too, and each later test fails with it. Here what
    cannot be made, and what breaks, fails the one test that had asked for it, and the next gets another.
    `expect_sound` raises AssertionError for what is broken. After three failures in a row nothing more is tried.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[T]], expect_sound: Callable[[T], object]) -> None:
        self._make = make
        self._expect_sound = expect_sound
        self._made = ExitStack()
        self._shared: list[T] = []
        self._failures = 0

    @contextmanager
    def lent(self) -> Iterator[T]:
        """Lend it to one test. Raises AssertionError where it is broken afterwards."""
        with suppress(AssertionError):
            self._give_up_if_broken()
        lent = self._shared[0] if self._shared else self._make_another()
        try:
            yield lent
        finally:
            self._give_up_if_broken()

    def close(self) -> None:
        """End what there is."""
        self._shared.clear()
        self._made.close()

    def _make_another(self) -> T:
        assert self._failures < MOST_FAILURES, f"given up: it could not be made {MOST_FAILURES} times in a row"
        self._failures += 1
        made = self._made.enter_context(self._make())
        self._failures = 0
        self._shared.append(made)
        return made

    def _give_up_if_broken(self) -> None:
        try:
            for shared in self._shared:
                self._expect_sound(shared)
        except BaseException:  # what pytest's time limit raises, too
            self.close()
            raise
