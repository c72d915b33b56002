"""What a rule would say of transactions that there have been."""

from collections.abc import Sequence
from decimal import Decimal

from decision.rule import Rule
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import Transaction
from rules.trial import trial
from tests.support.lists import added, list_book


def payments(*amounts: int) -> Sequence[tuple[Transaction, int]]:
    reader = TransactionReader(DEFAULT_MAPPING)
    values = (f'{{"id":"1","source":"a{amount}","target":"b","amount":{amount}}}' for amount in amounts)
    return [(reader.read(value.encode()), 0) for value in values]


def test_a_trial_counts_hits_and_names_what_no_transaction_has() -> None:
    rule = Rule('amount > 5 and (amount > 8 or field["contry"] == "NG")', mode="off")
    assert list(trial("a", rule, payments(4, 6, 7, 9))) == [
        "of the last 4 transactions it hits 1, and is undecided on 2",
        'warning: none of them has field["contry"]',
    ]


def test_a_trial_tells_how_a_field_within_another_is_written() -> None:
    [_, warning] = trial("a", Rule('field["tx.from"] == "DE"'), payments(4))
    expected = 'field["tx.from"]; one field within another is written field["tx"]["from"]'
    assert warning == f"warning: none of them has {expected}"


def test_a_trial_tells_of_a_missing_field_once_though_a_list_is_asked_for_it() -> None:
    [_, *warnings] = trial("a", Rule('field["contry"] not in list["safe"]'), payments(4))
    assert warnings == ['warning: none of them has field["contry"]']


def test_a_trial_asks_the_lists() -> None:
    lists = list_book(added("a4", "a7", name="blocked"))
    [line] = trial("a", Rule('source in list["blocked"]'), payments(4, 6, 7, 9), lists)
    assert line == "of the last 4 transactions it hits 2, and is undecided on 0"


def test_a_trial_names_what_only_points_look_at() -> None:
    rule = Rule('amount > 5 and field["a"] is None', points='first_known(field["a"], field["rsk"]) * 2')
    assert list(trial("a", rule, payments(6)))[1:] == [
        'warning: none of them has field["a"]',
        'warning: none of them has field["rsk"]',
    ]


def test_a_field_that_one_transaction_has_is_not_missing() -> None:
    rule = Rule('field["a"] == 1 or field["b"] == 1')
    reader = TransactionReader(DEFAULT_MAPPING)
    values = (f'{{"id":"1","source":"a","target":"b","amount":1,"{name}":1}}' for name in "aba")
    assert len(list(trial("a", rule, [(reader.read(value.encode()), 0) for value in values]))) == 1


def test_a_trial_is_of_the_accounts_in_the_share() -> None:
    (line,) = trial("a", Rule("amount > 0", share="25"), payments(*range(1, 1001)))
    hits = int(line.split("hits ")[1].split(",")[0])
    assert Decimal(200) < hits < Decimal(300)


def test_a_trial_of_no_transactions_misses_nothing() -> None:
    assert list(trial("a", Rule("amount > 0"), [])) == ["of the last 0 transactions it hits 0, and is undecided on 0"]
