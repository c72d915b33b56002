"""How many records the next poll asks for."""

import pytest

from detector.batch_limit import MOST_SECONDS, BatchLimit

QUICK, SLOW = 0.1, MOST_SECONDS


def limit_of(size: int, most: int = 10_000) -> BatchLimit:
    """Return a limit that has come down to a size."""
    limit = BatchLimit(most)
    while limit.size > size:
        limit.follow(1, SLOW, 0.0, in_time=False)
    assert limit.size == size
    return limit


def test_a_batch_that_was_not_judged_in_time_halves_it() -> None:
    limit = BatchLimit(10_000)
    limit.follow(32, 1.01, 0.0, in_time=False)
    assert limit.size == 5_000


def test_it_falls_to_100_and_no_further() -> None:
    limit = BatchLimit(10_000)
    for _ in range(20):
        limit.follow(1, SLOW, 0.0, in_time=False)
    assert limit.size == 100


@pytest.mark.parametrize("most", [1, 50])
def test_batch_size_is_never_passed_in_either_direction(most: int) -> None:
    limit = BatchLimit(most)
    limit.follow(1, SLOW, 0.0, in_time=False)
    assert limit.size == most
    limit.follow(most, QUICK, 0.0, in_time=True)
    assert limit.size == most


def test_a_full_batch_that_was_quick_doubles_it_up_to_batch_size() -> None:
    limit = limit_of(2_500)
    limit.follow(2_500, QUICK, 0.0, in_time=True)
    assert limit.size == 5_000
    limit.follow(5_000, QUICK, 0.0, in_time=True)
    limit.follow(10_000, QUICK, 0.0, in_time=True)
    assert limit.size == 10_000


@pytest.mark.parametrize(
    ("judged", "judging_seconds", "throttled_seconds"),
    [(2_499, QUICK, 0.0), (2_500, 0.5, 0.0), (2_500, QUICK, 0.5)],
    ids=["not full", "not quick", "throttled a little"],
)
def test_others_leave_it_as_it_is(judged: int, judging_seconds: float, throttled_seconds: float) -> None:
    limit = limit_of(2_500)
    limit.follow(judged, judging_seconds, throttled_seconds, in_time=True)
    assert limit.size == 2_500


def test_a_throttled_batch_halves_it_and_the_line_names_the_quota(caplog: pytest.LogCaptureFixture) -> None:
    limit = BatchLimit(10_000)
    limit.follow(10_000, QUICK, 3.21, in_time=True)
    assert limit.size == 5_000
    [line] = caplog.messages
    assert line == (
        "batches of at most 5,000 records, not 10,000: a quota of the broker (producer_byte_rate) delays each by 3.2 s"
    )


def test_what_grows_again_is_not_told_of(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.batch_limit._SECONDS_BETWEEN_LINES", 0.0)
    limit = BatchLimit(10_000)
    limit.follow(32, 0.992, 0.0, in_time=False)
    for _ in range(5):
        limit.follow(1, QUICK, 0.0, in_time=True)
    assert len(caplog.messages) == 1


def test_the_line_of_slow_rules_says_how_slow_and_comes_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    limit = BatchLimit(10_000)
    for _ in range(7):
        limit.follow(32, 0.992, 0.0, in_time=False)
    assert caplog.messages == ["batches of at most 5,000 records, not 10,000: rules take 31.0 ms a record"]
