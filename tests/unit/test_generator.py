import re
import time
from datetime import UTC, datetime, timedelta
from itertools import islice, repeat

import pytest

from generator.fake_transactions import fake_transactions
from generator.messages import written_time
from generator.pace import Pace
from payments.transaction import Transaction


def some(count: int, seed: int | None = None, accounts: int = 1000) -> list[Transaction]:
    return list(islice(fake_transactions(seed, accounts, lambda: "now"), count))


def test_the_same_seed_gives_the_same_accounts_and_amounts() -> None:
    first, second = ([(t.source, t.target, t.amount) for t in some(100, seed=7)] for _ in range(2))
    assert first == second


def test_another_seed_gives_others() -> None:
    assert [t.amount for t in some(100, seed=7)] != [t.amount for t in some(100, seed=8)]


def test_every_transaction_has_an_id_of_its_own_whatever_the_seed() -> None:
    assert len({t.id for t in some(1000, seed=7) + some(1000, seed=7)}) == 2000


def test_amounts_have_two_decimals_from_1_to_1000() -> None:
    amounts = [t.amount for t in some(20_000, seed=7)]
    assert min(amounts) >= 1
    assert max(amounts) <= 1000
    assert all(re.fullmatch(r"\d+\.\d\d", str(amount)) for amount in amounts)


def test_accounts_have_12_letters_and_digits() -> None:
    assert all(re.fullmatch("[A-Za-z0-9]{12}", account) for t in some(1000) for account in (t.source, t.target))


def test_nobody_pays_himself() -> None:
    assert all(t.source != t.target for t in some(1000, accounts=2))


def test_there_are_as_many_accounts_as_asked_for() -> None:
    assert len({account for t in some(1000, accounts=5) for account in (t.source, t.target)}) == 5


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_a_time_in_a_unit_is_the_whole_number_of_them_since_1970(unit: str, per_second: int) -> None:
    before, written, after = time.time_ns(), written_time(unit), time.time_ns()
    assert isinstance(written, int)
    assert before * per_second // 10**9 <= written <= after * per_second // 10**9


def test_a_time_in_no_unit_is_text() -> None:
    before, written, after = datetime.now(UTC), written_time("auto"), datetime.now(UTC)
    assert isinstance(written, str)
    assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(written) <= after


def taken(pace: Pace, *times: float) -> list[int]:
    return [pace.due(now) for now in times]


def test_the_pace_is_kept_to_the_transaction() -> None:
    assert taken(Pace(10, 0.0), 0.0, 0.05, 0.1, 0.35, 1.0) == [0, 0, 1, 2, 7]


def test_the_pace_does_not_drift() -> None:
    times = [step * 0.013 for step in range(1, 10_001)]
    assert sum(taken(Pace(7, 0.0), *times)) == 910


def test_a_stall_is_followed_by_one_seconds_worth_at_most() -> None:
    assert taken(Pace(10, 0.0), 60.0, 60.1) == [10, 1]


def test_a_slow_pace_makes_up_for_two() -> None:
    assert taken(Pace(0.1, 0.0), 60.0, 60.1) == [2, 0]


@pytest.mark.parametrize("per_second", [0, 50_000])
def test_no_bunch_is_larger_than_10_000(per_second: float) -> None:
    assert taken(Pace(per_second, 0.0), 60.0, 60.0) == [10_000, 10_000]


def test_the_next_one_is_due_when_the_pace_says_so() -> None:
    pace = Pace(4, 100.0)
    assert pace.seconds_until_due(100.0) == pytest.approx(0.25)
    assert pace.due(100.25) == 1
    assert pace.seconds_until_due(100.3) == pytest.approx(0.2)
    assert pace.seconds_until_due(200.0) == pytest.approx(0.005)


def test_the_stream_does_not_end() -> None:
    stream = fake_transactions(None, 2, lambda: "now")
    assert all(next(stream) for _ in repeat(None, 10_000))
