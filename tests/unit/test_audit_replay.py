"""Each verdict is held against what its record was judged with; what cannot be known is not replayable."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from audit import replay
from audit.demands import Demands
from audit.findings import Findings
from audit.law import CodeRule
from audit.ledger import Ledger
from decision.history import Reading
from decision.list_change import ListChange
from decision.provenance import decode, encode
from decision.rule import Rule
from messaging.batch import Headers, Record
from messaging.settings import TopicSettings
from tests.support.change_sets import changes
from tests.support.past import Past

TOPICS = TopicSettings("transactions", "fraud", "legit", "dead-letter", "rules", "lists", "provenance")
TIME = 1_790_000_000_000
FROM_50, FROM_500 = changes(("large", Rule("amount > 50"))), changes(("large", Rule("amount > 500")), base=1)
SCORE = ("fraud.score", b"100")


def paid(amount: int, offset: int) -> Record:
    value = f'{{"id":"{offset}","source":"a","target":"b","amount":{amount}}}'.encode()
    return Record("transactions", 0, offset, TIME, b"a", value, ())


def legit(amount: int, offset: int) -> Record:
    return replace(paid(amount, offset), topic="legit")


def fraud(amount: int, offset: int, rule: str = "large") -> Record:
    reason: Headers = [("fraud.reason", f"{rule}: amount = {amount}".encode()), SCORE]
    return replace(paid(amount, offset), topic="fraud", headers=reason)


def audited(past: Past, *outputs: Record) -> Findings:
    """Audit these outputs, each of which follows from a record of the input."""
    ledger = Ledger(TOPICS, Demands(100_000), past.replay)
    for record in outputs:
        ledger.add_input(replace(record, topic="transactions", headers=()))
    for record in outputs:
        ledger.add_output(record)
    return ledger.findings({0: 1_000_000})


def offences(findings: Findings) -> Mapping[str, int]:
    return {kind: count for kind, count in findings.offences.counts.items() if count}


def found(past: Past, *outputs: Record) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the offences, and by their causes the verdicts that cannot be checked."""
    findings = audited(past, *outputs)
    return offences(findings), {cause: unknown.verdicts for cause, unknown in findings.not_replayable.items()}


ALL_FITS: tuple[Mapping[str, int], Mapping[str, int]] = ({}, {})


@pytest.fixture
def past() -> Past:
    """Up to offset 10 amounts over 50 are fraud, from there on those over 500."""
    past = Past()
    past.change_rules(FROM_50)
    past.take(past.note({0: 0}))
    past.change_rules(FROM_500)
    return past.take(past.note({0: 10}))


def test_each_verdict_is_that_of_the_rules_of_its_offset(past: Past) -> None:
    assert found(past, fraud(60, 9), legit(60, 10), fraud(600, 11)) == ALL_FITS
    assert past.replay.rule_versions == {past.rules_at(1), past.rules_at(2)}


@pytest.mark.parametrize("output", [legit(60, 9), fraud(60, 10), legit(600, 11)])
def test_that_of_an_earlier_or_a_later_version_is_misrouted(past: Past, output: Record) -> None:
    assert found(past, output) == ({"misrouted": 1}, {})


def test_settings_are_those_that_were_noted(past: Past) -> None:
    mapped = past.basis({"FRAUD_THRESHOLD": "70", "FIELD_AMOUNT": "cents", "AMOUNT_SCALE": "2"})
    past.take(past.note({0: 20}, mapped))
    value = b'{"id":"%d","source":"a","target":"b","cents":%d}'
    cheap = replace(legit(0, 20), value=value % (20, 7000))
    rich = replace(fraud(80, 21, "amount_over_threshold"), value=value % (21, 7001))
    assert found(past, cheap, rich) == ALL_FITS
    assert found(past, replace(cheap, value=value % (20, 7001))) == ({"misrouted": 1}, {})
    assert found(past, fraud(950, 15, "amount_over_threshold"))[0] == {"altered": 1}  # large hits too


def test_lists_are_those_that_were_noted() -> None:
    past = Past()
    past.change_rules(changes(("blocked", Rule('source in list["blocked"]'))))
    past.change_lists(ListChange("blocked", 0, add=["a"]))
    past.take(past.note({0: 0}))
    past.change_lists(ListChange("blocked", 1, remove=["a"]))
    past.take(past.note({0: 10}))
    assert found(past, fraud(1, 9, "blocked"), legit(1, 10)) == ALL_FITS
    assert found(past, legit(1, 9), fraud(1, 10, "blocked")) == ({"misrouted": 2}, {})


def test_what_no_note_covers_is_not_replayable_whatever_the_verdict_is() -> None:
    past = Past()
    past.take(past.note({0: 5}))
    assert found(past, legit(1, 3), fraud(1, 4), legit(1, 5)) == ({}, {replay.NO_NOTE: 2})
    assert audited(past, legit(1, 3)).not_replayable[replay.NO_NOTE].first.offset == 3
    assert audited(past, legit(1, 3)).law_holds
    assert audited(past, legit(1, 3)).counts()["not replayable"] == 1


def test_of_what_is_not_replayable_all_else_is_checked() -> None:
    past = Past()
    ledger = Ledger(TOPICS, Demands(100_000), past.replay)
    for offset in range(5):
        ledger.add_input(paid(1, offset))
    outputs = [legit(1, 1), legit(1, 0), legit(1, 1), replace(legit(1, 2), key=b"b"), legit(1, 9)]
    for number, output in enumerate(outputs):
        ledger.add_output(replace(output, offset=number))
    kinds = {"out of order": 1, "doubled": 1, "altered": 1, "foreign": 1, "lost": 2}
    assert offences(ledger.findings({0: 5})) == kinds


@pytest.mark.parametrize(
    ("cause", "changed"),
    [
        (replay.NO_RULES, {"rules": Reading(1, "another digest")}),
        (replay.NO_RULES, {"rules": Reading(3, "of what is not there")}),
        (replay.NO_LISTS, {"lists": Reading(1, "ab")}),
    ],
)
def test_a_basis_that_is_not_known_here_is_not_replayable(past: Past, cause: str, changed: dict[str, Any]) -> None:
    past.take(past.note({0: 20}, past.basis(**changed)))
    assert found(past, fraud(600, 20), legit(600, 21)) == ({}, {cause: 2})
    assert past.replay.law_of(0, 20) is None


@pytest.mark.parametrize("texts", [{"FRAUD_THRESHOLD": "much"}, {"ANOTHER": "1"}])
def test_settings_that_are_not_understood_make_it_so_too(past: Past, texts: Mapping[str, str]) -> None:
    basis = past.basis()
    past.take(past.note({0: 20}, replace(basis, settings={**basis.settings, **texts})))
    assert found(past, legit(600, 20)) == ({}, {replay.NO_SETTINGS: 1})


def test_a_setting_that_was_not_noted_is_not_taken_for_its_default(past: Past) -> None:
    past.take(past.note({0: 20}, replace(past.basis(), settings={"FRAUD_THRESHOLD": "900"})))
    assert found(past, legit(600, 20)) == ({}, {replay.NO_SETTINGS: 1})


def test_rules_that_are_read_later_are_known_then(past: Past) -> None:
    ahead = Past()
    ahead.change_rules(FROM_50, FROM_500, changes(("large", Rule("amount > 5")), base=2))
    past.take(past.note({0: 20}, ahead.basis()))
    assert found(past, fraud(6, 20)) == ({}, {replay.NO_RULES: 1})
    past.change_rules(changes(("large", Rule("amount > 5")), base=2))
    past.take()
    assert found(past, fraud(6, 20)) == ALL_FITS


def of_code(digest: str) -> CodeRule:
    return CodeRule("sees", lambda _: True, digest)


def test_a_rule_of_code_is_asked_where_its_file_is_the_one_that_was_noted() -> None:
    past = Past([of_code("ab")])
    past.take(past.note({0: 0}))
    sees = replace(fraud(1, 0), headers=[("fraud.reason", b"sees: True"), SCORE])
    assert found(past, sees) == ALL_FITS
    assert found(past, legit(1, 0)) == ({"misrouted": 1}, {})


@pytest.mark.parametrize("here", [[], [of_code("cd")], [of_code("")]])
def test_a_rule_of_code_that_is_another_one_here_or_missing_is_not_replayable(here: Sequence[CodeRule]) -> None:
    noting, past = Past([of_code("" if here and not here[0].digest else "ab")]), Past(here)
    past.take(noting.note({0: 0}))
    assert found(past, legit(1, 0), fraud(1, 1)) == ({}, {replay.NO_CODE: 2})


def test_a_note_that_was_dropped_is_known_by_its_number(past: Past) -> None:
    past.note({0: 20}, past.basis({"FRAUD_THRESHOLD": "5"}))
    past.take(past.note({0: 30}))
    assert found(past, fraud(6, 25), legit(60, 26), legit(600, 35)) == ({"misrouted": 1}, {replay.MISSING_NOTE: 1})


def test_a_note_that_was_changed_makes_the_verdicts_misrouted(past: Past) -> None:
    note = decode(past.note({0: 20}).value)
    changed = past.record(encode(replace(note, basis=past.basis({"FRAUD_THRESHOLD": "5"}))))
    past.take(changed)
    assert found(past, legit(60, 20)) == ({"misrouted": 1}, {})


def test_a_note_that_is_not_understood_accuses_nobody(past: Past) -> None:
    broken = past.record(b'{"format":2}')
    assert past.note_history.take(broken.offset, broken.value)
    assert found(past, legit(600, 20), legit(60, 20 + 1)) == ({}, {replay.MISSING_NOTE: 1})


def test_a_group_that_was_set_back_accuses_nobody(past: Past) -> None:
    past.change_rules(changes(("large", Rule("amount > 5000")), base=2))
    past.take(past.note({0: 5}, detector="d-2"))
    assert found(past, fraud(60, 6), legit(70, 7), fraud(600, 12), legit(700, 13)) == ALL_FITS
    assert found(past, legit(60, 4), fraud(60, 14)) == ({"misrouted": 2}, {})


def test_where_one_of_two_times_is_not_known_a_verdict_that_does_not_fit_the_other_is_not_replayable(
    past: Past,
) -> None:
    past.take(past.note({0: 5}, past.basis(rules=Reading(9, "ab")), detector="d-2"))
    assert found(past, legit(60, 12), fraud(60, 13)) == ({}, {replay.NO_RULES: 1})
    law = past.replay.law_of(0, 12)
    assert law is not None
    assert law.rules.live[0].label == "large"


def test_another_tzdata_excuses_what_asks_a_zone_and_nothing_else(past: Past) -> None:
    older: dict[str, Any] = {"time_zones": "1970a"}
    past.take(past.note({0: 20}, past.basis(**older)))
    assert found(past, legit(600, 20)) == ({"misrouted": 1}, {})
    past.change_rules(changes(("night", Rule('hour("Europe/Berlin") < 6', points="1"))))
    past.take(past.note({0: 30}, past.basis(**older)))
    assert found(past, legit(600, 30), legit(60, 31)) == ({}, {replay.OTHER_EDITION: 1})


@pytest.mark.parametrize("edition", [{"product": "9.9.9"}, {"time_zones": "1970a"}])
def test_another_edition_excuses_rules_that_are_not_understood_here(past: Past, edition: dict[str, Any]) -> None:
    past.take(past.note({0: 20}, past.basis(**edition)))
    assert found(past, legit(600, 20)) == ({"misrouted": 1}, {})
    assert past.rules.take(Record("rules", 0, 2, 0, None, b"newer", ()))
    after = past.rules_at(2).after(2, b"newer")
    past.take(past.note({0: 30}, past.basis(rules=after, **edition)))
    assert found(past, legit(600, 30), fraud(600, 31)) == ({}, {replay.OTHER_EDITION: 1})
    past.take(past.note({0: 40}, past.basis(rules=after)))
    assert found(past, legit(600, 40)) == ({"misrouted": 1}, {})


def test_all_that_was_judged_with_is_told_each_once() -> None:
    past = Past()
    other = past.basis({"FRAUD_THRESHOLD": "800"})
    for offset, basis in enumerate((past.basis(), other, past.basis())):
        past.take(past.note({0: offset}, basis))
    assert past.replay.bases == [past.basis(), other]
