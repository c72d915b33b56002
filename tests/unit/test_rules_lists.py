"""The commands for lists: what they write, and what they show."""

import json
import os

import pytest

from rules.settings import RulesSettings
from runtime.settings import read_settings
from tests.support.rules_in_memory import RulesInMemory

SETTINGS = read_settings(RulesSettings, {})
UNCHANGED = "nothing to change: it is so already"
BLOCKED = 'source in list["blocked"]'


def test_members_come_and_go(command: RulesInMemory) -> None:
    assert command.done("lists", "add", "blocked", "a", "b", "a") == [
        "version 1:",
        'blocked 2 members added: "a", "b"',
    ]
    assert command.done("lists", "add", "blocked", "b", "c", "--note", "seen by Anna") == [
        "version 2:",
        'blocked 2 members added: "b", "c" (seen by Anna)',
    ]
    assert command.done("lists", "remove", "blocked", "a", "z") == [
        'not in blocked: "z"',
        "version 3:",
        'blocked 1 member removed: "a"',
    ]
    assert command.done("lists", "show", "blocked") == [
        "MEMBER VERSION EXPIRES NOTE",
        '"b" 2 seen by Anna',
        '"c" 2 seen by Anna',
    ]


def test_what_is_so_already_is_not_written(command: RulesInMemory) -> None:
    command.done("lists", "add", "blocked", "a", "--expires", "2099-12-24T18:00:00Z", "--note", "n")
    same = ("lists", "add", "blocked", "a", "--expires", "2099-12-24T19:00:00+01:00", "--note", "n")
    assert command.done(*same) == [UNCHANGED]
    assert command.done(*same[:-1], "other")[0] == "version 2:"
    assert command.done("lists", "add", "blocked", "a", "b") == ["version 3:", 'blocked 2 members added: "a", "b"']
    assert command.done("lists", "add", "blocked", "a", "c") == [
        "1 of 2 are in blocked already",
        "version 4:",
        'blocked 1 member added: "c"',
    ]
    assert command.done("lists", "remove", "blocked", "z") == ['not in blocked: "z"', UNCHANGED]
    assert len(command.written) == 4


def test_members_are_texts_or_with_an_option_json(command: RulesInMemory) -> None:
    command.done("lists", "add", "x", "1", "true", '"q"')
    command.done("lists", "add", "x", "--json", "1", "true", '"q"', "2.50")
    assert [line.split()[0] for line in command.done("lists", "show", "x")[1:]] == [
        *('"1"', '"true"', r'"\"q\""', "1", "true", '"q"', "2.50")
    ]
    assert command.done("lists", "remove", "x", "--json", "1.0", '"1"')[-1] == 'x 2 members removed: 1.0, "1"'
    assert command.done("lists", "add", "x", "--json", "--", "-5")[-1] == "x 1 member added: -5"
    shown = json.loads(command.run("lists", "show", "x", "--json").output)
    assert [each["member"] for each in shown] == ["true", '"q"', True, "q", 2.5, -5]


def test_members_stay_until_a_time(command: RulesInMemory) -> None:
    expired, stays = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    assert command.done("lists", "add", "x", "a", "--expires", expired)[0] == (
        f"warning: {expired} is in the past; only earlier transactions find them in the list"
    )
    command.done("lists", "add", "x", "b", "--expires", stays)
    assert " until 20" in command.done("lists", "add", "x", "c", "--for", "30d")[-1]
    lines = command.done("lists", "show", "x")
    assert lines[1:3] == [f'"a" 1 {expired} (expired)', f'"b" 2 {stays}']
    shown = json.loads(command.run("lists", "show", "x", "--json").output)
    assert shown[:2] == [
        {"member": "a", "version": 1, "expires": expired, "is_expired": True, "note": None},
        {"member": "b", "version": 2, "expires": stays, "is_expired": False, "note": None},
    ]
    assert command.done("lists", "list") == ["version 3", "LIST MEMBERS EXPIRED VERSION RULES", "x 3 1 3"]


def test_lists_are_shown_with_the_rules_that_ask_for_them(command: RulesInMemory) -> None:
    command.done("lists", "add", "blocked", "a")
    command.done("lists", "add", "unused", "a")
    command.done("set", "night", BLOCKED)
    command.done("set", "night", f'{BLOCKED} or target in list["nowhere"]', "--shadow")
    command.done("set", "off", 'id in list["unused"]')
    command.done("mode", "off", "off")
    assert command.done("lists", "list")[1:] == [
        "LIST MEMBERS EXPIRED VERSION RULES",
        "blocked 1 0 1 night, night (candidate)",
        "nowhere 0 0 - night (candidate)",
        "unused 1 0 2",
    ]
    listed = json.loads(command.run("lists", "list", "--json").output)
    assert listed["lists"][1] == {
        "name": "nowhere",
        "members": 0,
        "expired": 0,
        "version": None,
        "rules": ["night (candidate)"],
    }
    assert (listed["version"], listed["not_understood"]) == (2, [])


def test_all_members_are_removed_once_that_is_confirmed(
    command: RulesInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.done("lists", "add", "blocked", "a", "b")
    command.done("set", "night", BLOCKED)
    monkeypatch.setattr(os, "isatty", lambda _: False)
    refused = command.run("lists", "remove", "blocked", "--all")
    assert refused.lines == ["warning: night asks for blocked, which will be empty"]
    assert (refused.exit_code, refused.errors) == (
        *(2, "rules: nobody can be asked here; with --yes it goes on without\n"),
    )
    assert command.done("lists", "remove", "blocked", "--all", "--yes")[1:] == [
        "version 2:",
        "blocked all members removed",
    ]
    assert command.done("lists", "show", "blocked") == ["no members"]
    assert command.done("lists", "remove", "blocked", "--all") == [UNCHANGED]


def test_a_time_is_shown_in_utc_where_it_can_be(command: RulesInMemory) -> None:
    command.done("lists", "add", "x", "a", "--expires", "2099-01-01T00:30:00.5+01:00")
    command.done("lists", "add", "x", "b", "--expires", "9999-12-31T23:59:59-01:00")
    assert command.done("lists", "show", "x")[1:] == [
        '"a" 1 2098-12-31T23:30:00.500000Z',
        '"b" 2 9999-12-31T23:59:59-01:00',
    ]


def test_the_history_tells_who_changed_what(command: RulesInMemory) -> None:
    command.done("lists", "import", "blocked", command.file("\n".join(f"a{n}" for n in range(12_000))))
    command.done("lists", "remove", "blocked", "a7", author="berta")
    command.done("lists", "add", "other", "x")
    command.write(b"broken")
    shown = command.done("lists", "history", "blocked")
    assert [line.split(" ")[-1] for line in shown[::2]] == ["anna", "anna", "berta"]
    assert shown[1::2] == [
        'blocked 10,000 members added: "a0", "a1", "a2", "a3", "a4" …',
        'blocked 2,000 members added: "a10000", "a10001", "a10002", "a10003", "a10004" …',
        'blocked 1 member removed: "a7"',
    ]
    assert command.done("lists", "history")[-1].startswith("invalid: not understood: ")
    told = json.loads(command.run("lists", "history", "--json").output)
    assert [(each["author"], each["outcome"]) for each in told[2:]] == [
        *(("berta", "applied"), ("anna", "applied"), (None, "invalid"))
    ]
    nothing = {"cleared": False, "expires": None, "note": None}
    assert told[2]["changes"] == [{"name": "blocked", "added": [], "removed": ["a7"], **nothing}]
    assert told[4]["changes"] == []
    assert command.done("lists", "list")[-1].startswith("version 5 not understood: ")


def test_no_history_is_said_to_be_none(command: RulesInMemory) -> None:
    assert command.done("lists", "history") == ["no changes"]
