"""What is known of one record and its verdict, as text for people and as data for programs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from decision.header_names import ERROR
from decision.provenance import Note
from messaging.batch import Headers, Place, Record, place_of
from messaging.settings import TopicSettings
from rules.explanation import (
    DEAD_LETTER,
    FRAUD,
    LEGIT,
    LONGEST_LINE,
    LONGEST_VALUE,
    MOST_FIELDS,
    UNKNOWN,
    Explanation,
    RuleSaid,
)
from rules.text import as_time, one_line

_MOST_PLACES = 10
_LABELS = {
    "live": "rule",
    "shadow": "in shadow",
    "candidate": "in shadow",
    "code": "rule of code",
    "tried": "tried",
}
_OF_FIELDS = "FIELD_"  # these stand beside each field
_WHOLE_POINTS = "100"

Lines = Iterator[tuple[str, str]]


class Answer(NamedTuple):
    """A record of the input, or what came in the place of one, what it led to, and how that is explained.

    `by` says what it was judged with, where that is no note. `since` is the offset from which the note holds. `remarks`
    say what could not be looked at, `gaps` what cannot be replayed. `more` are other records of the same id among those
    that were `searched`.
    """

    explanation: Explanation | None = None
    by: str = ""
    record: Record | None = None
    output: Record | None = None
    note: Note | None = None
    since: int = 0
    remarks: Sequence[str] = ()
    gaps: Sequence[str] = ()
    more: Sequence[Place] = ()
    searched: int | None = None


def text(answer: Answer, topics: TopicSettings) -> str:
    """Return the answer as lines."""
    lines = [*_head(answer), *(("note", remark) for remark in answer.remarks)]
    if answer.explanation is not None:
        lines += _body(answer.explanation, answer.gaps)
    lines += _tail(answer, topics)
    return "\n".join(f"{what:<12} {one_line(line, LONGEST_LINE)}".rstrip() for what, line in lines)


def data(answer: Answer, topics: TopicSettings) -> Mapping[str, Any]:
    """Return the answer as what JSON can hold."""
    return {
        "by": answer.by or None,
        "record": _record_data(answer.record),
        "output": _output_data(answer),
        "note": None if answer.note is None else {**_built_ins(answer.note), "since": answer.since},
        "remarks": answer.remarks,
        "not_replayed": answer.gaps,
        "explanation": None if answer.explanation is None else _built_ins(answer.explanation),
        "contradiction": next(iter(_contradiction(answer, topics)), None),
        "searched": answer.searched,
        "more": [place._asdict() for place in answer.more],
    }


def _head(answer: Answer) -> Lines:
    if answer.by:
        yield "by", answer.by
    if answer.record is not None:
        key = answer.record.key
        named = "no key" if key is None else f"key {one_line(key.decode(errors='replace'), LONGEST_VALUE)}"
        yield "record", f"{place_of(answer.record)}, {as_time(answer.record.timestamp)}, {named}"
    if answer.output is not None:
        yield "output", str(place_of(answer.output))
    if answer.note is not None:
        yield from _of_note(answer.note, answer.since)


def _of_note(note: Note, since: int) -> Lines:
    basis = note.basis
    yield "judged by", f"{note.detector}, a detector of the group {note.group}"
    versions = f"version {basis.rules.version} of the rules and version {basis.lists.version} of the lists"
    yield "with", f"{versions}, since offset {since}"
    settings = (f"{name}={text}" for name, text in basis.settings.items() if not name.startswith(_OF_FIELDS))
    yield "", ", ".join(settings)
    if basis.code_rules:
        yield "", f"rules of code: {', '.join(source.rule for source in basis.code_rules)}"
    yield "", f"version {basis.product} of the product, tzdata {basis.time_zones}"


def _body(explanation: Explanation, gaps: Sequence[str]) -> Lines:
    for field in explanation.fields:
        yield field.name, f"{one_line(field.value, LONGEST_VALUE) or '(none)'}  ({field.setting})"
    for said in explanation.rules:
        yield from _of_rule(said)
    for gap in gaps:
        yield "not replayed", gap
    yield from _verdict(explanation)
    for said in explanation.tried:
        yield from _of_rule(said)
    for field_of_record in explanation.has:
        yield "it has", field_of_record


def _of_rule(said: RuleSaid) -> Lines:
    points = f", {said.points} points" if said.points not in (None, _WHOLE_POINTS) else ""
    yield _LABELS[said.kind], f"{said.outcome}{points}: {said.rule}"
    if said.saw:
        yield "", said.saw


def _verdict(explanation: Explanation) -> Lines:
    if explanation.verdict == UNKNOWN:
        yield "verdict", "not known: it depends on what is not replayed"
    for reason in explanation.reasons:
        yield explanation.verdict, reason
    if explanation.verdict == LEGIT:
        is_hit = explanation.score not in (None, "0")
        yield LEGIT, f"{explanation.score} of 100 points" if is_hit else "no live rule hits"
    if explanation.failed is not None:
        yield (DEAD_LETTER if explanation.verdict == DEAD_LETTER else "rule failed"), explanation.failed


def _tail(answer: Answer, topics: TopicSettings) -> Lines:
    for contradiction in _contradiction(answer, topics):
        yield "but", contradiction
    added = _added(answer)
    for name, value in added[:MOST_FIELDS]:
        yield "header", f"{name}: {(value or b'').decode(errors='replace')}"
    if answer.searched is not None and answer.more:
        shown = ", ".join(map(str, answer.more[:_MOST_PLACES]))
        others = f", and {len(answer.more) - _MOST_PLACES:,} others" if len(answer.more) > _MOST_PLACES else ""
        yield "more", f"{len(answer.more):,} with the same id in the last {answer.searched:,} records: {shown}{others}"


def _contradiction(answer: Answer, topics: TopicSettings) -> Iterator[str]:
    """Yield where else a record is than its replayed verdict says, if it is."""
    expected = {FRAUD: topics.fraud, LEGIT: topics.legit, DEAD_LETTER: topics.dead_letter}
    if answer.explanation is None or answer.output is None or answer.explanation.verdict == UNKNOWN:
        return
    if answer.output.topic != expected[answer.explanation.verdict]:
        why = dict(answer.output.headers).get(f"{ERROR}message")
        yield f"it is in {answer.output.topic}{': ' + why.decode(errors='replace') if why else ''}"


def _added(answer: Answer) -> Headers:
    """Return the headers of the output that the record itself did not have."""
    if answer.output is None:
        return ()
    own = [] if answer.record is None else list(answer.record.headers)
    headers = list(answer.output.headers)
    return headers[len(own) :] if headers[: len(own)] == own else headers


def _record_data(record: Record | None) -> Mapping[str, Any] | None:
    if record is None:
        return None
    key = None if record.key is None else record.key.decode(errors="replace")
    return {**place_of(record)._asdict(), "time": as_time(record.timestamp), "key": key}


def _output_data(answer: Answer) -> Mapping[str, Any] | None:
    if answer.output is None:
        return None
    headers = [[name, None if value is None else value.decode(errors="replace")] for name, value in _added(answer)]
    return {**(_record_data(answer.output) or {}), "headers": headers}


def _built_ins(structure: object) -> Any:
    return msgspec.to_builtins(structure, str_keys=True)
