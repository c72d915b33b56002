"""What tests share: one that breaks costs one test, and so does one that cannot be made."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.support.shared import MOST_FAILURES, Shared


class Vases:
    """Makes vases with numbers, unless there is no clay."""

    def __init__(self) -> None:
        self.whole: set[int] = set()
        self.made = 0
        self.has_clay = True

    @contextmanager
    def make(self) -> Iterator[int]:
        self.made += 1
        assert self.has_clay, "no clay"
        self.whole.add(self.made)
        vase = self.made
        yield vase
        self.whole.discard(vase)

    def expect_whole(self, vase: int) -> None:
        assert vase in self.whole, f"vase {vase} is broken"


@pytest.fixture
def vases() -> Vases:
    return Vases()


@pytest.fixture
def shared(vases: Vases) -> Iterator[Shared[int]]:
    with closing(Shared(vases.make, vases.expect_whole)) as shared:
        yield shared


def lend(shared: Shared[int]) -> int:
    with shared.lent() as vase:
        return vase


def lend_to_the_clumsy(shared: Shared[int], vases: Vases, then: Exception | None = None) -> None:
    with shared.lent() as vase:
        vases.whole.discard(vase)
        if then is not None:
            raise then


def test_it_is_made_when_the_first_asks_and_ends_when_it_is_closed(shared: Shared[int], vases: Vases) -> None:
    assert vases.made == 0
    assert [lend(shared), lend(shared)] == [1, 1]
    assert vases.whole == {1}
    shared.close()
    assert vases.whole == set()


def test_who_breaks_it_is_told_and_the_next_gets_another(shared: Shared[int], vases: Vases) -> None:
    with pytest.raises(AssertionError, match="vase 1 is broken"):
        lend_to_the_clumsy(shared, vases)
    assert lend(shared) == 2


def test_who_fails_over_what_broke_is_told_that_it_broke(shared: Shared[int], vases: Vases) -> None:
    with pytest.raises(AssertionError, match="vase 1 is broken"):
        lend_to_the_clumsy(shared, vases, then=LookupError("no flowers"))


def test_what_breaks_between_two_costs_nobody_anything(shared: Shared[int], vases: Vases) -> None:
    lend(shared)
    vases.whole.clear()
    assert lend(shared) == 2


def test_one_that_cannot_be_made_is_tried_again_for_the_next(shared: Shared[int], vases: Vases) -> None:
    vases.has_clay = False
    with pytest.raises(AssertionError, match="no clay"):
        lend(shared)
    vases.has_clay = True
    assert lend(shared) == 2


def test_after_some_failures_in_a_row_nothing_more_is_tried(shared: Shared[int], vases: Vases) -> None:
    vases.has_clay = False
    for _ in range(MOST_FAILURES):
        with pytest.raises(AssertionError, match="no clay"):
            lend(shared)
    with pytest.raises(AssertionError, match="given up"):
        lend(shared)
    assert vases.made == MOST_FAILURES
