"""How an explanation is shown: to people in lines that nothing can break, to programs as JSON."""

import json

from messaging.batch import Place, Record
from rules.answer import Answer, data, text
from rules.explanation import Explanation
from tests.support.in_memory_past import INPUT, PAID, Past

PAST = Past()
TOPICS = PAST.settings.topics
RECORD = Record(INPUT, 0, 7, 1_790_000_000_000, b"\x1b[31m\xff", PAID, [("own", None)])


def shown(answer: Answer) -> list[str]:
    return text(answer, TOPICS).splitlines()


def output(topic: str, *headers: tuple[str, bytes | None]) -> Record:
    return Record(topic, 1, 3, RECORD.timestamp, RECORD.key, PAID, headers)


def test_what_a_record_holds_cannot_break_a_line() -> None:
    hostile = output("fraud", ("own", None), ("\x1b[2J", b"\n\xff\x1b[31m" + b"x" * 1_000))
    record, place, header = shown(Answer(record=RECORD, output=hostile))
    assert record == r"record       transactions[0] offset 7, 2026-09-21T14:13:20.000Z, key \x1b[31m\ufffd"
    assert place == "output       fraud[1] offset 3"
    assert header.startswith(r"header       \x1b[2J: \ufffd\x1b[31mxxx")
    assert len(header) < 600


def test_only_the_headers_that_were_added_are_shown() -> None:
    added = output("fraud", *RECORD.headers, ("fraud.score", b"100"))
    assert shown(Answer(record=RECORD, output=added))[-1:] == ["header       fraud.score: 100"]
    dropped = output("dead-letter", ("fraud.score", b"100"))
    assert shown(Answer(record=RECORD, output=dropped))[-1:] == ["header       fraud.score: 100"]
    assert len(shown(Answer(output=output("fraud", *[("a", b"b")] * 500)))) == 101


def test_an_output_that_is_not_where_the_replay_leads_is_named() -> None:
    legit = Explanation("legit", score="60")
    assert shown(Answer(legit, output=output("fraud")))[-1] == "but          it is in fraud"
    refused = output("dead-letter", ("__detector.errors.message", b"too large"))
    assert shown(Answer(legit, output=refused))[-2] == "but          it is in dead-letter: too large"
    assert [line for line in shown(Answer(legit, output=output("legit"))) if line.startswith("but")] == []
    unknown = shown(Answer(Explanation("unknown"), output=output("legit"), gaps=["the rules: gone"]))
    assert unknown[1:] == [
        "not replayed the rules: gone",
        "verdict      not known: it depends on what is not replayed",
    ]


def test_points_that_do_not_make_a_fraud_are_counted() -> None:
    assert shown(Answer(Explanation("legit", score="60"))) == ["legit        60 of 100 points"]
    assert shown(Answer(Explanation("legit", score="0"))) == ["legit        no live rule hits"]


def test_others_with_the_same_id_are_named_the_first_ten() -> None:
    places = [Place(INPUT, 0, offset) for offset in range(12)]
    [one] = shown(Answer(more=places[:1], searched=10_000))
    assert one == "more         1 with the same id in the last 10,000 records: transactions[0] offset 0"
    [many] = shown(Answer(more=places, searched=10_000))
    assert many.startswith("more         12 with the same id")
    assert many.endswith("transactions[0] offset 9, and 2 others")


def test_a_program_is_told_the_same() -> None:
    past = Past()
    place = past.write(INPUT, PAID)
    past.note(0)
    past.write("legit", PAID, [("shadow.reason", b"\xff")])
    told = json.loads(json.dumps(data(past.explained(place), TOPICS)))
    assert told["record"] == {
        "topic": INPUT,
        "partition": 0,
        "offset": 0,
        "time": "2026-09-21T14:13:20.000Z",
        "key": "a",
    }
    assert told["output"]["headers"] == [["shadow.reason", "\ufffd"]]
    assert (told["note"]["since"], told["note"]["basis"]["rules"]["version"]) == (0, 0)
    assert (told["explanation"]["verdict"], told["explanation"]["rules"][0]["outcome"]) == ("legit", "no hit")
    assert (told["contradiction"], told["not_replayed"], told["more"]) == (None, [], [])
    assert data(Answer(), TOPICS)["explanation"] is None
