"""What is said of a verdict: by which versions it was made, what each rule says, and what cannot be replayed."""

from collections.abc import Sequence

import pytest

from decision.code_rules import named_rules
from decision.history import Reading
from decision.provenance import PRODUCT, Source
from decision.rule import Rule
from decision.rulebook import Change
from messaging.batch import Place, place_of
from messaging.seam import AccessRefused
from rules.answer import Answer
from rules.changes import NotPossible
from rules.inquiry import Inquiry
from rules.replay import Missing
from runtime.service import ServiceFailed, ServiceRefused
from runtime.users_code import file_digest
from tests.support.in_memory_past import INPUT, PAID, Past, coordinates, outcomes

OVER_400 = Rule("amount > 400")
IN_LIST = Rule('source in list["blocked"]')
CODE = "tests.support.harmful_rules:finds_nothing"
[NAMED] = named_rules(CODE)
OWN = Source("finds_nothing", file_digest(NAMED.check))
MISSING = Reading(7, "of another history")


def verdict(answer: Answer) -> str:
    assert answer.explanation is not None
    return answer.explanation.verdict


def test_a_record_is_judged_again_by_the_rules_of_the_note_that_holds_for_it() -> None:
    past = Past()
    before, after = (past.write(INPUT, PAID) for _ in range(2))
    past.note(0)
    past.note(1, past.change_rules(Change("mine", 0, OVER_400)))
    past.change_rules(Change("mine", 1))
    first, second = past.explained(before), past.explained(after)
    assert (verdict(first), outcomes(first)) == ("legit", [("amount_over_threshold", "no hit")])
    assert (verdict(second), outcomes(second)[1:]) == ("fraud", [("mine", "hit")])
    assert (first.since, second.since) == (0, 1)
    assert second.note is not None
    assert (second.note.number, second.note.basis.rules.version) == (2, 1)


def test_of_two_notes_for_an_offset_the_later_one_holds() -> None:
    past = Past()
    place = past.write(INPUT, PAID)
    past.note(0, settings=dict(past.settings.decision.as_texts(), FRAUD_THRESHOLD="400"))
    assert verdict(past.explained(place)) == "fraud"
    past.note(0)
    assert verdict(past.explained(place)) == "legit"


def test_the_settings_of_the_note_hold_and_not_ones_own() -> None:
    past = Past(FIELD_AMOUNT="cents", FRAUD_THRESHOLD="1")
    place = past.write(INPUT, PAID)
    past.note(0, settings=dict(Past().settings.decision.as_texts(), FRAUD_THRESHOLD="400"))
    answer = past.explained(place)
    assert answer.explanation is not None
    assert answer.explanation.reasons == ["amount_over_threshold: 500 is over 400"]


def test_lists_are_those_of_the_version_that_was_noted() -> None:
    past = Past()
    rules, place = past.change_rules(Change("blocked", 0, IN_LIST)), past.write(INPUT, PAID)
    past.note(0, rules, past.change_lists("blocked", "z"))
    past.change_lists("blocked", "a")
    assert verdict(past.explained(place)) == "legit"
    past.note(0, rules, past.change_lists("others", "z"))
    assert verdict(past.explained(place)) == "fraud"


def test_where_no_rule_asks_a_list_their_history_makes_no_difference() -> None:
    past = Past()
    place = past.write(INPUT, PAID)
    past.note(0, lists=MISSING)
    answer = past.explained(place)
    assert (verdict(answer), answer.gaps) == ("legit", ())


def test_without_the_history_of_the_rules_no_verdict_is_replayed() -> None:
    past = Past()
    place = past.write(INPUT, PAID)
    past.change_rules(Change("mine", 0, OVER_400))
    past.note(0, MISSING)
    answer = past.explained(place)
    assert (verdict(answer), outcomes(answer)) == ("unknown", [])
    [gap] = answer.gaps
    assert gap == "RULES_TOPIC=rules: its history is another one by now than that of the version 7 noted"
    assert answer.explanation is not None
    assert answer.explanation.fields[3].value == "500"


def test_without_the_history_of_the_lists_the_rules_that_ask_them_are_not_asked() -> None:
    past = Past()
    changed = past.change_rules(Change("blocked", 0, IN_LIST), Change("mine", 0, Rule("amount > 400", points="60")))
    place = past.write(INPUT, PAID)
    past.note(0, changed, MISSING)
    answer = past.explained(place, 'source not in list["blocked"]')
    assert (verdict(answer), len(answer.gaps)) == ("unknown", 1)
    assert outcomes(answer) == [("amount_over_threshold", "no hit"), ("mine", "hit"), ("blocked", "not asked")]
    assert answer.explanation is not None
    assert answer.explanation.tried[0].outcome == "not asked"


def test_what_is_fraud_without_the_rules_that_cannot_be_asked_is_fraud() -> None:
    past = Past()
    past.note(0, past.change_rules(Change("blocked", 0, IN_LIST), Change("mine", 0, OVER_400)), MISSING)
    assert verdict(past.explained(past.write(INPUT, PAID))) == "fraud"


def test_a_threshold_that_the_topic_has_replaced_stays_away_where_it_cannot_be_asked() -> None:
    past = Past(FRAUD_THRESHOLD="1")
    past.note(0, past.change_rules(Change("amount_over_threshold", 0, IN_LIST)), MISSING, settings=SETTINGS_OVER_1)
    assert verdict(past.explained(past.write(INPUT, PAID))) == "unknown"


SETTINGS_OVER_1 = dict(Past().settings.decision.as_texts(), FRAUD_THRESHOLD="1")


@pytest.mark.parametrize(
    "change",
    [
        Change("blocked", 0, Rule(IN_LIST.when, mode="shadow")),
        Change("blocked", 0, Rule("amount > 900"), candidate=Rule(IN_LIST.when, mode="shadow")),
    ],
)
def test_a_rule_that_does_not_count_leaves_the_verdict_known(change: Change) -> None:
    past = Past()
    past.note(0, past.change_rules(change), MISSING)
    answer = past.explained(past.write(INPUT, PAID))
    assert (verdict(answer), outcomes(answer)[-1][1]) == ("legit", "not asked")


@pytest.mark.parametrize(
    ("noted", "own", "gap"),
    [
        (OWN, "", "the rule of code finds_nothing: FRAUD_RULES does not name it here"),
        (Source(OWN.rule, "of another file"), CODE, "the rule of code finds_nothing: its file is another one by now"),
        (Source(OWN.rule, ""), CODE, "the rule of code finds_nothing: of which file it was is not noted"),
    ],
)
def test_a_rule_of_code_that_is_not_the_noted_one_is_not_asked(noted: Source, own: str, gap: str) -> None:
    past = Past(FRAUD_RULES=own)
    past.note(0, code_rules=[noted])
    answer = past.explained(past.write(INPUT, PAID))
    assert (verdict(answer), answer.gaps) == ("unknown", [gap])
    assert outcomes(answer)[-1] == ("finds_nothing", "not asked")


def test_the_same_rule_of_code_is_asked_again() -> None:
    past = Past(FRAUD_RULES=CODE)
    past.note(0, code_rules=[OWN])
    answer = past.explained(past.write(INPUT, PAID))
    assert (verdict(answer), outcomes(answer)[-1]) == ("legit", ("finds_nothing", "no hit"))


def test_rules_of_code_that_cannot_be_loaded_here_are_said_to_be_so() -> None:
    past = Past(FRAUD_RULES="nowhere:rule")
    past.note(0, code_rules=[OWN])
    [gap] = past.explained(past.write(INPUT, PAID)).gaps
    assert gap.startswith("the rule of code finds_nothing: FRAUD_RULES=nowhere:rule here: ")


@pytest.mark.parametrize(
    ("differing", "named"),
    [
        ({"FRAUD_THRESHOLD": "much"}, "does not know: FRAUD_THRESHOLD='much'"),
        ({"FRAUD_SPEED": "7"}, "does not have so: FRAUD_SPEED"),
    ],
)
def test_settings_of_another_version_of_the_product_are_not_replayed(differing: dict[str, str], named: str) -> None:
    past = Past()
    past.note(0, settings={**past.settings.decision.as_texts(), **differing})
    answer = past.explained(past.write(INPUT, PAID))
    assert named in answer.gaps[0]
    assert answer.explanation is not None
    assert (answer.explanation.verdict, answer.explanation.fields) == ("unknown", ())
    assert 'source: "a"' in answer.explanation.has


def test_another_version_of_the_product_or_of_the_time_zones_is_named() -> None:
    past = Past()
    past.note(0, product="0.1", time_zones="1999a")
    product, zones = past.explained(past.write(INPUT, PAID)).remarks[-2:]
    assert product == f"the product was 0.1, and is {PRODUCT} here"
    assert zones.startswith("tzdata was 1999a, and is ")


def test_without_a_note_that_holds_only_the_headers_are_shown() -> None:
    past = Past()
    place = past.write(INPUT, PAID)
    output = past.write("fraud", PAID, [("fraud.reason", b"why")])
    past.note(1)
    past.note(0, group="others")
    answer = past.explained(place)
    assert (answer.explanation, answer.note) == (None, None)
    assert answer.output is not None
    assert place_of(answer.output) == output
    [remark] = answer.remarks
    assert remark.startswith("PROVENANCE_TOPIC=provenance has no note of the group detector that holds for it: ")
    assert remark.endswith("; one of others does (CONSUMER_GROUP)")


UNCERTAIN = ["a note is missing or not understood, so another one may have held"]


def said_of_notes(past: Past, place: Place) -> Sequence[str]:
    answer = past.explained(place)
    assert answer.note is not None
    return answer.remarks[1:]  # behind that of its output


def test_a_note_that_is_missing_is_told_of_what_it_may_have_been_about() -> None:
    past = Past()
    first, second = (past.write(INPUT, PAID) for _ in range(2))
    past.note(0, number=1)
    past.note(0, number=1)  # a commit of which the detector was not certain
    assert said_of_notes(past, first) == []
    past.note(1, number=3)
    assert (said_of_notes(past, first), said_of_notes(past, second)) == (UNCERTAIN, [])


def test_a_note_that_is_not_understood_is_told_of_what_it_may_have_been_about() -> None:
    past = Past()
    first, second = (past.write(INPUT, PAID) for _ in range(2))
    past.note(0)
    past.write("provenance", b"\x1b")
    assert said_of_notes(past, first) == UNCERTAIN
    past.note(1)
    assert (said_of_notes(past, first), said_of_notes(past, second)) == (UNCERTAIN, [])


def test_where_no_note_holds_one_that_is_not_understood_is_named() -> None:
    past = Past()
    past.write("provenance", b"\x1b")
    *_, missing, broken = past.explained(past.write(INPUT, PAID)).remarks
    assert missing.startswith("PROVENANCE_TOPIC=provenance has no note ")
    assert broken.startswith("a note is not understood: provenance offset 0: not ")


def test_of_an_output_the_record_is_found_that_it_came_from() -> None:
    past = Past()
    past.write(INPUT, PAID)
    past.now += 1
    place = past.write(INPUT, PAID)
    past.note(0)
    answer = past.explained(past.write("legit", PAID, [("shadow.reason", b"x")]))
    assert answer.record is not None
    assert (place_of(answer.record), answer.remarks) == (place, [])


def test_of_an_output_whose_record_is_not_to_be_found_only_the_headers_are_shown() -> None:
    past = Past()
    answer = past.explained(past.write("fraud", PAID, [("fraud.reason", b"why")]))
    assert (answer.record, answer.explanation) == (None, None)
    [remark] = answer.remarks
    assert remark.endswith("the record that it came from is not to be found in transactions")


def test_a_dead_letter_names_its_record() -> None:
    past = Past()
    place = past.write(INPUT, b"{")
    past.note(0)
    answer = past.explained(past.write("dead-letter", b"{", coordinates(place, "not JSON")))
    assert answer.record is not None
    assert (place_of(answer.record), verdict(answer)) == (place, "dead letter")


def test_of_a_dead_letter_whose_record_is_gone_its_own_value_is_explained() -> None:
    past = Past()
    past.note(0)
    gone = Place(INPUT, 0, 5)
    answer = past.explained(past.write("dead-letter", b"{", [("own", b"x"), *coordinates(gone, "not JSON")]))
    assert answer.record is not None
    assert (place_of(answer.record), answer.record.headers) == (gone, [("own", b"x")])
    without_value = past.explained(past.write("dead-letter", None, coordinates(gone, "too large")))
    assert without_value.record is None


@pytest.mark.parametrize("named", [Place("elsewhere", 0, 0), Place(INPUT, -1, 0)])
def test_a_dead_letter_that_names_no_record_of_the_input_says_so(named: Place) -> None:
    past = Past()
    past.write(INPUT, PAID)
    answer = past.explained(past.write("dead-letter", b"{", coordinates(named, "x")))
    assert answer.remarks == ["what it was judged with is not known: its headers name no record of transactions"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place(INPUT, 7, 0), "transactions has no partition 7; it has 2 of them, from 0 on"),
        (Place(INPUT, 0, 1), r"there is no transactions\[0\] offset 1 yet: transactions\[0\] ends at offset 1"),
    ],
)
def test_a_place_without_a_record_is_refused(place: Place, said: str) -> None:
    past = Past()
    past.write(INPUT, PAID)
    with pytest.raises(NotPossible, match=f"^{said}$"):
        past.explained(place)


def test_what_has_been_deleted_or_aborted_is_refused() -> None:
    past = Past()
    for _ in range(3):
        past.write(INPUT, PAID)
    del past.kafka.logs[INPUT][0][1]
    with pytest.raises(NotPossible, match=r"^there is no record at transactions\[0\] offset 1: Kafka has deleted it"):
        past.explained(Place(INPUT, 0, 1))


def test_a_right_that_is_missing_costs_only_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    past = Past()
    place = past.write(INPUT, PAID)
    past.note(0)
    refuse(past, monkeypatch, "fraud")
    assert past.explained(place).remarks == ["its output was not looked for: lacks the right Read on topic fraud"]
    refuse(past, monkeypatch, "provenance")
    remark = past.explained(place).remarks[-1]
    assert remark == (
        "what it was judged with is not known: PROVENANCE_TOPIC=provenance: lacks the right Read on topic provenance"
    )
    refuse(past, monkeypatch, INPUT)
    with pytest.raises(ServiceRefused, match="Read on topic transactions"):
        past.explained(place)


def refuse(past: Past, monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    """Let the cluster refuse to tell where a topic ends."""
    ends = type(past.kafka).end_offsets

    def refusing(connection: object, names: list[str]) -> object:
        if topic in names:
            raise AccessRefused(f"lacks the right Read on topic {topic}")
        return ends(past.kafka, connection, names)  # type: ignore[arg-type]

    monkeypatch.setattr(past.kafka, "end_offsets", refusing)


def test_now_is_what_kafka_holds_now() -> None:
    past = Past()
    past.change_rules(Change("mine", 0, OVER_400))
    replay, by = Inquiry(past.cluster, past.settings).now()
    assert (list(replay.rules.held), by) == (["mine"], "version 1 of the rules, and the settings here")
    past.change_rules(Change("blocked", 0, IN_LIST))
    past.change_lists("blocked", "a")
    replay, by = Inquiry(past.cluster, past.settings).now()
    assert replay.lists.find("blocked", "a")
    assert by == "version 2 of the rules, version 1 of the lists, and the settings here"


def test_what_cannot_be_had_of_kafka_now_is_said() -> None:
    past = Past()
    past.change_rules(Change("blocked", 0, IN_LIST))
    del past.kafka.logs["lists"]
    replay, _ = Inquiry(past.cluster, past.settings).now()
    assert replay.missing == [Missing("blocked", "live")]
    assert replay.gaps == ["LISTS_TOPIC=lists: cannot read the topics: the topic lists does not exist"]
    past.kafka.logs["rules"].append([])
    replay, by = Inquiry(past.cluster, past.settings).now()
    assert (replay.rules.version, replay.has_lists) == (0, False)
    assert by.endswith("alone: RULES_TOPIC=rules: it has 2 partitions, in which a history has no order")


def test_a_history_is_not_looked_at_where_kafka_does_not_answer() -> None:
    past = Past()
    del past.kafka.logs[INPUT]
    with pytest.raises(ServiceFailed, match="the topic transactions does not exist"):
        past.explained(Place(INPUT, 0, 0))
