"""`--explain` says how a record is read and judged, or why not, and what there is to map."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from detector.explanation import explain
from detector.service import decision_of
from detector.settings import DetectorSettings
from messaging.batch import Record
from runtime.settings import read_settings
from tests.support.services import environment


def explained(value: bytes | None, *tried: str, **texts: str) -> tuple[str, bool]:
    rules = RuleSet({when: Held(Rule(when)) for when in tried})
    settings = read_settings(DetectorSettings, texts)
    record = Record("transactions", 0, 0, 0, None, value, ())
    return explain(record, decision_of(settings, keeps_json=bool(tried)), settings.mapping, rules)


def ask(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    words = [sys.executable, "-m", "detector", "--explain", *arguments]
    env = environment({"KAFKA_BOOTSTRAP_SERVERS": "nowhere:9"})
    return subprocess.run(words, input=given, capture_output=True, text=True, check=False, cwd=folder, env=env)


LEGIT = '{"id":"1","source":"a","target":"b","amount":1}'


@pytest.mark.parametrize(("arguments", "given"), [([LEGIT], ""), ([], LEGIT), ([], f"{LEGIT}\n"), (["-"], LEGIT)])
def test_the_record_is_an_argument_or_comes_in_on_standard_input(
    tmp_path: Path, arguments: list[str], given: str
) -> None:
    asked = ask(tmp_path, *arguments, given=given)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.endswith("\nlegit        no rule of the settings finds anything; RULES_TOPIC is not asked\n")


def test_only_the_end_of_the_last_line_is_not_the_records(tmp_path: Path) -> None:
    asked = ask(tmp_path, given="{\n\n")
    assert (asked.returncode, asked.stderr) == (1, "")
    assert asked.stdout.startswith("dead letter  not JSON: Input data was truncated")


def test_a_files_name_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(LEGIT)
    asked = ask(tmp_path, "record.json")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.endswith("record.json is a file; a record is read from it by --explain < record.json\n")


def test_each_field_is_shown_with_the_setting_that_says_where_it_is() -> None:
    settings = {"FIELD_ID": "", "FIELD_AMOUNT": "cents", "AMOUNT_SCALE": "2"}
    text, is_judged = explained(b'{"cents":95010,"source":"a","target":"b"}', **settings)
    assert is_judged
    assert text.splitlines() == [
        "id           transactions-0-0  (FIELD_ID=)",
        "source       a  (FIELD_SOURCE=source)",
        "target       b  (FIELD_TARGET=target)",
        "amount       950.10  (FIELD_AMOUNT=cents)",
        "currency     (none)  (FIELD_CURRENCY=currency)",
        "timestamp    (none)  (FIELD_TIMESTAMP=timestamp)",
        "rule         hit: amount_over_threshold",
        "             amount = 950.10",
        "fraud        amount_over_threshold: 950.10 is over 900",
    ]


def test_what_is_not_fraud_is_legit() -> None:
    text, is_judged = explained(b'{"id":"1","source":"a","target":"b","amount":900}')
    assert is_judged
    assert text.splitlines()[-1] == "legit        no rule of the settings finds anything; RULES_TOPIC is not asked"


def test_where_a_field_is_missing_all_that_there_are_are_named() -> None:
    text, is_judged = explained(b'\0\0\0\0\1{"tx":"1","device":{"ip":"::1","a.b":[1]},"none":{}}')
    assert not is_judged
    assert text.splitlines() == [
        "dead letter  `id` is missing  (FIELD_ID=id)",
        "dead letter  `source` is missing  (FIELD_SOURCE=source)",
        "dead letter  `target` is missing  (FIELD_TARGET=target)",
        "dead letter  `amount` is missing  (FIELD_AMOUNT=amount)",
        'it has       tx: "1"',
        'it has       device.ip: "::1"',
        r"it has       device.a\.b: [1]",
        "it has       none: {}",
    ]


def test_each_field_that_cannot_be_read_is_named_with_its_setting() -> None:
    settings = {"FIELD_AMOUNT": "payload.cents", "FIELD_TIMESTAMP": "ts"}
    text, is_judged = explained(b'{"id":"1","source":null,"target":"b","payload":7,"ts":-1}', **settings)
    assert not is_judged
    assert text.splitlines()[:3] == [
        "dead letter  `source` is neither text nor a whole number: null  (FIELD_SOURCE=source)",
        "dead letter  `payload.cents` is missing: `payload` is 7  (FIELD_AMOUNT=payload.cents)",
        "dead letter  `ts` is not a time: -1  (FIELD_TIMESTAMP=ts)",
    ]


@pytest.mark.parametrize(("count", "is_cut"), [(100, False), (101, True)])
def test_only_a_hundred_fields_are_named(count: int, is_cut: bool) -> None:  # noqa: FBT001 - a parameter of the test
    text, _ = explained(json.dumps(dict.fromkeys(map(str, range(count)), 0)).encode())
    named = [line for line in text.splitlines() if line.startswith("it has")]
    assert named[99] == "it has       99: 0"
    assert named[100:] == (["it has       more, which are not shown"] if is_cut else [])


def test_what_is_no_json_gets_a_reason() -> None:
    text, is_judged = explained(b"\x1b[31m")
    assert not is_judged
    assert text.startswith("dead letter  not JSON")
    assert explained(None) == ("dead letter  no value\n", False)


def test_what_is_nested_deeply_is_not_listed_to_its_end() -> None:
    text, is_judged = explained(b'{"x":' * 900 + b"1" + b"}" * 900)
    assert not is_judged
    assert text.startswith("dead letter  `id` is missing")


def test_a_rule_that_fails_is_named() -> None:
    value = b'{"id":"1","source":"a","target":"b","amount":501}'
    text, is_judged = explained(value, FRAUD_RULES="tests.support.harmful_rules:fails_over_500")
    assert not is_judged
    assert text.splitlines()[-2] == "rule         failed: fails_over_500"
    assert text.splitlines()[-1].startswith("dead letter  rule fails_over_500 failed (harmful_rules.py:")


def test_where_a_rule_fails_the_others_still_decide() -> None:
    value = b'{"id":"1","source":"a","target":"b","amount":901}'
    rules = "tests.support.harmful_rules:fails_over_500, tests.support.harmful_rules:finds_nothing"
    text, is_judged = explained(value, FRAUD_RULES=rules)
    assert is_judged
    assert text.splitlines()[-4:-1] == [
        "rule         failed: fails_over_500",
        "rule         no hit: finds_nothing",
        "fraud        amount_over_threshold: 901 is over 900",
    ]
    assert text.splitlines()[-1].startswith("rule failed  rule fails_over_500 failed (harmful_rules.py:")


RULED = '{"id":"1","source":"a","target":"b","amount":812.10,"country":"NG"}'


def test_rules_can_be_tried_on_the_record(tmp_path: Path) -> None:
    rules = ['field["country"] in {"NG", "RU"}', 'field["risk"] > 3', "amount < 5"]
    asked = ask(tmp_path, RULED, *(word for rule in rules for word in ("--rule", rule)))
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines()[-7:] == [
        "legit        no rule of the settings finds anything; RULES_TOPIC is not asked",
        'tried        hit: field["country"] in {"NG", "RU"}',
        '             field["country"] = "NG"',
        'tried        undecided: field["risk"] > 3',
        '             field["risk"] = None',
        "tried        no hit: amount < 5",
        "             amount = 812.10",
    ]


def test_a_rule_that_is_not_allowed_is_shown_with_the_place(tmp_path: Path) -> None:
    asked = ask(tmp_path, RULED, "--rule", "amount > 5 and contry == 5")
    assert (asked.returncode, asked.stdout) == (2, "")
    problem, shown, caret = asked.stderr.splitlines()[-3:]
    hint = 'another field of the record is written field["contry"]'
    assert problem.endswith(f"error: argument --rule: there is no name contry; {hint}")
    assert shown == "  amount > 5 and contry == 5"
    assert caret.index("^") == shown.index("contry")


def test_rules_are_tried_only_where_there_is_a_record(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "detector", "--rule", "amount > 5"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment({}))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("error: --rule needs --explain\n")


def test_what_is_no_transaction_is_asked_nothing() -> None:
    text, is_judged = explained(b"{}", "amount > 5")
    assert not is_judged
    assert "amount > 5" not in text
