"""`--explain` says how a record is read and judged, or why not, and what there is to map."""

from detector.explanation import explain
from detector.service import decision_of
from detector.settings import DetectorSettings
from messaging.batch import Record
from runtime.settings import read_settings


def explained(value: bytes | None, **texts: str) -> tuple[str, bool]:
    settings = read_settings(DetectorSettings, texts)
    record = Record("transactions", 0, 0, 0, None, value, ())
    return explain(record, decision_of(settings), settings.mapping)


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
        "fraud        amount_over_threshold: 950.10 is over 900",
    ]


def test_what_is_not_fraud_is_legit() -> None:
    text, is_judged = explained(b'{"id":"1","source":"a","target":"b","amount":900}')
    assert is_judged
    assert text.splitlines()[-1] == "legit        no rule has found anything"


def test_where_a_field_is_missing_all_that_there_are_are_named() -> None:
    text, is_judged = explained(b'\0\0\0\0\1{"tx":"1","device":{"ip":"::1","a.b":[1]},"none":{}}')
    assert not is_judged
    assert text.splitlines() == [
        "dead letter  `id` is missing",
        'it has       tx: "1"',
        'it has       device.ip: "::1"',
        r"it has       device.a\.b: [1]",
        "it has       none: {}",
    ]


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
    assert text.splitlines()[-1].startswith("dead letter  rule fails_over_500 failed: LookupError")
