"""`rules explain` of a record that is given: how it is read and judged, or why not, and what there is to map."""

import json
from pathlib import Path

import pytest

from decision.code_rules import named_rules
from decision.rulebook import RuleBook
from messaging.batch import Record
from rules.answer import Answer, text
from rules.explanation import DEAD_LETTER, explain
from rules.replay import Replay
from rules.settings import RulesSettings
from runtime.settings import read_settings
from tests.support.rules_command import RulesCommand

ALONE = "by           the settings here alone"


def explained(value: bytes | None, *tried: str, **texts: str) -> tuple[str, bool]:
    """Return the explanation of a value by settings alone, and whether it gets a verdict."""
    settings = read_settings(RulesSettings, texts)
    record = Record("transactions", 0, 0, 0, None, value, ())
    found = explain(record, Replay(settings.decision, RuleBook(), code_rules=named_rules(settings.fraud_rules)), tried)
    return text(Answer(found), settings.topics), found.verdict != DEAD_LETTER


@pytest.fixture
def command(tmp_path: Path) -> RulesCommand:
    return RulesCommand({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, tmp_path)


LEGIT = '{"id":"1","source":"a","target":"b","amount":1}'


def test_without_kafka_the_settings_alone_decide_and_a_line_says_so_first(command: RulesCommand) -> None:
    answer = command.run("explain", LEGIT)
    assert (answer.exit_code, answer.errors) == (0, "")
    first, *_, last = answer.output.splitlines()
    assert first.startswith(f"{ALONE}: no Kafka at 127.0.0.1:1 (KAFKA_BOOTSTRAP_SERVERS): ")
    assert last == "legit        no live rule hits"


def test_the_record_may_come_in_on_standard_input_without_the_end_of_its_last_line(command: RulesCommand) -> None:
    answer = command.run("explain", "-", "--without-kafka", given="{\n\n")
    assert (answer.exit_code, answer.errors) == (1, "")
    first, second, *_ = answer.output.splitlines()
    assert (first, second.partition(" data ")[0]) == (ALONE, "dead letter  not JSON: Input")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["record.json"], "record.json is a file; a record is read from it by: rules explain - < record.json"),
        (["1", "--without-kafka"], "--without-kafka is for JSON: what else can be explained is in Kafka"),
        (["fraud", "1"], "one argument, JSON, an id or a topic, or three: TOPIC PARTITION OFFSET"),
        (["transactions", "one", "1"], "PARTITION and OFFSET are whole numbers, not one and 1"),
        (["\x1b[m", "1", "1"], r"TOPIC is one of transactions, fraud, legit, dead-letter, not \x1b[m"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(
    command: RulesCommand, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "record.json").write_text(LEGIT)
    assert command.run("explain", *arguments) == (2, "", f"rules: {said}\n")


def test_rules_of_code_that_cannot_be_loaded_are_a_mistake(command: RulesCommand) -> None:
    answer = command.run("explain", LEGIT, FRAUD_RULES="nowhere:rule")
    assert (answer.exit_code, answer.output) == (2, "")
    assert answer.errors.startswith("rules: FRAUD_RULES='nowhere:rule': expected module:function")
    assert command.run("check", "record.json", FRAUD_RULES="nowhere:rule").errors.endswith("does not exist.\n")


def test_each_field_is_shown_with_the_setting_that_says_where_it_is() -> None:
    settings = {"FIELD_ID": "", "FIELD_AMOUNT": "cents", "AMOUNT_SCALE": "2"}
    shown, is_judged = explained(b'{"cents":95010,"source":"a","target":"b"}', **settings)
    assert is_judged
    assert shown.splitlines() == [
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
    shown, is_judged = explained(b'{"id":"1","source":"a","target":"b","amount":900}')
    assert is_judged
    assert shown.splitlines()[-1] == "legit        no live rule hits"


def test_where_a_field_is_missing_all_that_there_are_are_named() -> None:
    shown, is_judged = explained(b'\0\0\0\0\1{"tx":"1","device":{"ip":"::1","a.b":[1]},"none":{}}')
    assert not is_judged
    assert shown.splitlines() == [
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
    shown, is_judged = explained(b'{"id":"1","source":null,"target":"b","payload":7,"ts":-1}', **settings)
    assert not is_judged
    assert shown.splitlines()[:3] == [
        "dead letter  `source` is neither text nor a whole number: null  (FIELD_SOURCE=source)",
        "dead letter  `payload.cents` is missing: `payload` is 7  (FIELD_AMOUNT=payload.cents)",
        "dead letter  `ts` is not a time: -1  (FIELD_TIMESTAMP=ts)",
    ]


@pytest.mark.parametrize(("count", "is_cut"), [(100, False), (101, True)])
def test_only_a_hundred_fields_are_named(count: int, is_cut: bool) -> None:  # noqa: FBT001 - a parameter of the test
    shown, _ = explained(json.dumps(dict.fromkeys(map(str, range(count)), 0)).encode())
    named = [line for line in shown.splitlines() if line.startswith("it has")]
    assert named[99] == "it has       99: 0"
    assert named[100:] == (["it has       more, which are not shown"] if is_cut else [])


def test_what_is_no_json_gets_a_reason() -> None:
    shown, is_judged = explained(b"\x1b[31m")
    assert not is_judged
    assert shown.startswith("dead letter  not JSON")
    assert explained(None) == ("dead letter  no value", False)


def test_what_is_nested_deeply_is_not_listed_to_its_end() -> None:
    shown, is_judged = explained(b'{"x":' * 900 + b"1" + b"}" * 900)
    assert not is_judged
    assert shown.startswith("dead letter  `id` is missing")


def test_a_record_that_the_client_could_not_read_is_a_dead_letter() -> None:
    record = Record("transactions", 0, 0, 0, None, LEGIT.encode(), (), "the name of a header is not UTF-8")
    found = explain(record, Replay(read_settings(RulesSettings, {}).decision, RuleBook()))
    assert (found.verdict, found.reasons) == (DEAD_LETTER, ["the name of a header is not UTF-8"])


def test_a_rule_that_fails_is_named() -> None:
    value = b'{"id":"1","source":"a","target":"b","amount":501}'
    shown, is_judged = explained(value, FRAUD_RULES="tests.support.harmful_rules:fails_over_500")
    assert not is_judged
    failed, how, last = shown.splitlines()[-3:]
    assert failed == "rule of code failed: fails_over_500"
    assert how.startswith("             rule fails_over_500 failed (harmful_rules.py:")
    assert last == f"dead letter  {how.strip()}"


def test_where_a_rule_fails_the_others_still_decide() -> None:
    value = b'{"id":"1","source":"a","target":"b","amount":901}'
    rules = "tests.support.harmful_rules:fails_over_500, tests.support.harmful_rules:finds_nothing"
    shown, is_judged = explained(value, FRAUD_RULES=rules)
    assert is_judged
    assert shown.splitlines()[-3:-1] == [
        "rule of code no hit: finds_nothing",
        "fraud        amount_over_threshold: 901 is over 900",
    ]
    assert shown.splitlines()[-1].startswith("rule failed  rule fails_over_500 failed (harmful_rules.py:")


RULED = '{"id":"1","source":"a","target":"b","amount":812.10,"country":"NG"}'


def test_rules_can_be_tried_on_the_record() -> None:
    rules = ['field["country"] in {"NG", "RU"}', 'field["risk"] > 3', "amount < 5"]
    shown, _ = explained(RULED.encode(), *rules)
    assert shown.splitlines()[-7:] == [
        "legit        no live rule hits",
        'tried        hit: field["country"] in {"NG", "RU"}',
        '             field["country"] = "NG"',
        'tried        undecided: field["risk"] > 3',
        '             field["risk"] = None',
        "tried        no hit: amount < 5",
        "             amount = 812.10",
    ]


def test_a_rule_that_is_not_allowed_is_shown_with_the_place(command: RulesCommand) -> None:
    answer = command.run("explain", RULED, "--rule", "amount > 5 and contry == 5")
    assert (answer.exit_code, answer.output) == (2, "")
    problem, shown, caret = answer.errors.splitlines()
    hint = 'another field of the record is written field["contry"]'
    assert problem == f"rules: there is no name contry; {hint}"
    assert shown == "  amount > 5 and contry == 5"
    assert caret.index("^") == shown.index("contry")


def test_a_rule_that_asks_a_list_is_not_tried_where_lists_are_not_known(command: RulesCommand) -> None:
    lines = command.done("explain", RULED, "--without-kafka", "--rule", 'source in list["blocked"]')
    assert lines[-1] == 'tried not asked: source in list["blocked"]'


def test_what_is_no_transaction_is_asked_nothing() -> None:
    shown, is_judged = explained(b"{}", "amount > 5")
    assert not is_judged
    assert "amount > 5" not in shown
