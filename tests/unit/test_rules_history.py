"""What the topic's records come to, and how the commands show that."""

import json

import pytest

from decision.rule import Rule
from decision.rulebook import NOTHING, Change, Held
from rules.differences import differences, shown_event
from rules.history import History
from rules.listing import events_data, events_text, page, table, table_data
from rules.text import aligned, as_time, one_line
from tests.support.change_sets import change_set, history
from tests.support.rules_command import lines

OVER_5 = Rule("amount > 5")
OVER_6 = Rule("amount > 6", mode="shadow", points="amount / 2", share="12.5", note="tried")
DEFAULT = Held(Rule("amount > 900"))


def of_two_versions() -> History:
    return history(
        change_set(Change("a", 0, OVER_5)),
        change_set(Change("a", 1, OVER_5, OVER_6), Change("b", 0, OVER_6), author="berta"),
    )


def test_the_history_knows_what_holds_and_what_held() -> None:
    known = of_two_versions()
    assert known.version == 2
    assert known.now == {"a": Held(OVER_5, OVER_6), "b": Held(OVER_6)}
    assert known.at(0) == {}
    assert known.at(1) == {"a": Held(OVER_5)}
    assert known.at(2) == known.now


def test_what_was_removed_is_not_there_and_was_there() -> None:
    known = history(change_set(Change("a", 0, OVER_5)), change_set(Change("a", 1)))
    assert known.now == {}
    assert known.at(2) == {"a": NOTHING}
    assert known.events[1].before == {"a": Held(OVER_5)}


def test_a_name_was_changed_last_where_a_change_of_it_was_applied() -> None:
    known = history(change_set(Change("a", 0, OVER_5)), change_set(Change("a", 7, OVER_6)))
    found = known.last_change("a")
    assert found is not None
    assert found.entry.version == 1
    assert known.last_change("b") is None


def test_a_change_set_starts_from_the_versions_of_what_it_changes_and_leaves_out_what_stays() -> None:
    known = of_two_versions()
    made = known.change_set({"a": NOTHING, "b": Held(OVER_6), "c": Held(OVER_5)}, "carl", "1")
    assert made is not None
    assert made.changes == [Change("a", 2), Change("c", 0, OVER_5)]
    assert known.change_set({"b": Held(OVER_6), "c": NOTHING}, "carl", "1") is None


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        (NOTHING, Held(OVER_5), ["a: new: live, 100 points: amount > 5"]),
        (Held(OVER_5), Held(OVER_5), []),
        (Held(OVER_5), NOTHING, ["a: removed; it was live, 100 points: amount > 5"]),
        (
            Held(OVER_5),
            Held(OVER_6),
            [
                "a: mode: live -> shadow",
                "a: points: 100 -> amount / 2",
                "a: share: 100 -> 12.5",
                "a: note: (none) -> tried",
                "a: when: amount > 5 -> amount > 6",
            ],
        ),
        (
            Held(OVER_5),
            Held(OVER_5, OVER_6),
            ["a (candidate): new: (amount / 2) points, 12.5 % of accounts: amount > 6  (tried)"],
        ),
    ],
)
def test_a_difference_is_told_by_field(before: Held, after: Held, texts: list[str]) -> None:
    assert [f"{found.label}: {found.text}" for found in differences({"a": before}, {"a": after})] == texts


def test_a_change_is_shown_with_its_author_and_time() -> None:
    (event,) = history(change_set(Change("a", 0, OVER_5))).events
    assert lines(shown_event(event)) == [
        "version 1 2026-09-21T14:13:20.000Z anna",
        "a new: live, 100 points: amount > 5",
    ]


def test_what_changed_nothing_is_shown_with_the_reason() -> None:
    first = change_set(Change("a", 0, OVER_5))
    known = history(first, first, change_set(Change("a", 0, OVER_6)), b"{}", None)
    shown = lines(events_text(known.events[1:]))
    assert shown[1] == "repeated: it is version 1 already"
    assert shown[3] == "outdated: changed by somebody else meanwhile: a"
    assert shown[4] == "version 4 2026-09-21T14:13:23.000Z unknown"
    assert shown[5].startswith("invalid: not understood: ")
    assert [list(event.names) for event in known.events] == [["a"], ["a"], ["a"], [], []]


def test_no_events_are_said_to_be_none() -> None:
    assert events_text([]) == "no changes"


def test_the_table_has_each_candidate_below_its_rule() -> None:
    known = of_two_versions()
    assert lines(table(known, {**known.now, "amount_over_threshold": DEFAULT})) == [
        "version 2",
        "NAME MODE POINTS SHARE VERSION NOTE WHEN",
        "a live 100 100 % 2 amount > 5",
        "candidate shadow amount / 2 12.5 % tried amount > 6",
        "amount_over_threshold live 100 100 % - given by FRAUD_THRESHOLD amount > 900",
        "b shadow amount / 2 12.5 % 2 tried amount > 6",
    ]


def test_a_candidate_without_a_rule_has_a_row_of_its_own() -> None:
    known = history(change_set(Change("a", 0, None, OVER_6)))
    assert lines(table(known, known.now))[2] == "a (candidate) shadow amount / 2 12.5 % 1 tried amount > 6"


def test_the_table_ends_with_what_is_not_understood() -> None:
    known = history(change_set(Change("a", 5)), b'{"format":9}')
    assert lines(table(known, known.now))[2:] == [
        "records that are not understood, and change nothing:",
        "version 2 written in format 9 by another version of this program, which knows 1",
    ]


def test_a_page_tells_everything_about_a_rule() -> None:
    known = of_two_versions()
    assert lines(page("a", known.now["a"], known)) == [
        "name a",
        "mode live",
        "points 100",
        "share 100 % of accounts",
        "when amount > 5",
        "changed version 2, 2026-09-21T14:13:21.000Z, by berta",
        "candidate",
        "points amount / 2",
        "share 12.5 % of accounts",
        "note tried",
        "when amount > 6",
    ]


def test_a_page_tells_that_a_setting_gives_the_rule() -> None:
    name = "amount_over_threshold"
    assert lines(page(name, DEFAULT, history()))[-1] == "changed given by FRAUD_THRESHOLD"
    known = history(change_set(Change(name, 0, None, OVER_6)))
    shown = lines(page(name, DEFAULT._replace(candidate=OVER_6), known))
    assert "changed given by FRAUD_THRESHOLD; version 1, 2026-09-21T14:13:20.000Z, by anna" in shown


def test_a_page_of_a_candidate_alone_has_no_mode() -> None:
    known = history(change_set(Change("a", 0, None, OVER_6)))
    assert lines(page("a", known.now["a"], known))[:3] == [
        "name a",
        "changed version 1, 2026-09-21T14:13:20.000Z, by anna",
        "candidate",
    ]


def test_programs_get_the_same() -> None:
    known = history(change_set(Change("a", 0, OVER_5)), b"broken", change_set(Change("a", 1, OVER_5, OVER_6)))
    over_5 = {"when": "amount > 5", "mode": "live", "points": "100", "share": "100", "note": ""}
    listed = json.loads(json.dumps(table_data(known, {**known.now, "amount_over_threshold": DEFAULT})))
    assert listed["version"] == 3
    assert [rule["name"] for rule in listed["rules"]] == ["a", "amount_over_threshold"]
    assert (listed["rules"][0]["rule"], listed["rules"][0]["author"]) == (over_5, "anna")
    assert listed["rules"][0]["candidate"]["when"] == "amount > 6"
    assert [rule["given_by"] for rule in listed["rules"]] == [None, "FRAUD_THRESHOLD"]
    assert listed["rules"][1]["author"] is None
    assert [each["version"] for each in listed["not_understood"]] == [2]
    told = json.loads(json.dumps(events_data(known.events)))
    assert [(each["version"], each["outcome"], each["author"]) for each in told] == [
        (1, "applied", "anna"),
        (2, "invalid", None),
        (3, "applied", "anna"),
    ]
    nothing = {"rule": None, "candidate": None}
    assert told[0]["changes"] == [{"name": "a", "before": nothing, "after": {**nothing, "rule": over_5}}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n  and b", "a and b"),
        ("a \t b", "a b"),
        ("\x1b[31m", r"\x1b[31m"),
        ("x" * 6000, "x" * 5000 + "…"),
    ],
)
def test_foreign_text_is_one_harmless_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([("a", "b"), ("ccc", "d")], ">") == ">a    b\n>ccc  d"
    assert aligned([("a", ""), ("b", "c")]) == "a\nb  c"
    assert aligned([]) == ""


def test_a_time_outside_of_all_years_is_a_number() -> None:
    assert as_time(2**62) == str(2**62)
    assert as_time(-1) == "1969-12-31T23:59:59.999Z"
