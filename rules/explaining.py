"""The command that explains a verdict: of a record that is given, or of one in Kafka."""

import json
import os
from collections.abc import Sequence

import click
from click.exceptions import Exit

from decision.code_rules import CodeRule, named_rules
from decision.expression import translate
from decision.rulebook import RuleBook
from decision.scope import Scope
from messaging.batch import Record, place_of
from rules import answer as answers
from rules.answer import Answer
from rules.changes import NotPossible
from rules.explanation import DEAD_LETTER, explain
from rules.inquiry import Inquiry
from rules.places import place_in_id, place_in_words
from rules.replay import Replay
from rules.search import Ids, search
from rules.session import Session
from runtime.service import ServiceFailed
from runtime.settings import Mistake
from runtime.timing import now_ms

STANDARD_INPUT = "-"
EXIT_NOT_JUDGED = 1
MOST_BYTES = 100_000_000
_MOST_SEARCHED = 1_000_000
_FIRST_WINDOW = 100  # among so many, the newest record of a topic is looked for first
_A_PLACE = 3  # words: topic, partition, offset

_HELP = """Show why a record was judged as it was, or how one would be judged now.

\b
JSON                    the value of a record: text that begins with {
-                       the same, read from standard input
TOPIC PARTITION OFFSET  a record of the input, or of an output
TOPIC                   the newest record there
ID                      the newest transaction with this id

Exit code 1, of JSON: it would be a dead letter.
"""


def expressions(_context: click.Context, _parameter: click.Parameter, texts: Sequence[str]) -> Sequence[str]:
    """Return expressions that are allowed. Raises InvalidExpression."""
    for text in texts:
        translate(text, Scope())
    return texts


@click.command("explain", help=_HELP)
@click.argument("what", nargs=-1, required=True, metavar="JSON | - | ID | TOPIC [PARTITION OFFSET]")
@click.option("--rule", "tried", multiple=True, metavar="EXPRESSION", callback=expressions, help="Try a rule on it.")
@click.option("--without-kafka", is_flag=True, help="Judge JSON by the settings alone.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=_MOST_SEARCHED,
    show_default=True,
    metavar="N",
    help="How many of the last records to look through for an ID.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def explain_verdict(
    session: Session, what: Sequence[str], tried: Sequence[str], limit: int, *, without_kafka: bool, as_json: bool
) -> None:
    """Do what its help says."""
    is_given = len(what) == 1 and (what[0] == STANDARD_INPUT or what[0].lstrip().startswith("{"))
    if without_kafka and not is_given:
        raise NotPossible("--without-kafka is for JSON: what else can be explained is in Kafka")
    if is_given:
        found = _of_given(session, what[0], tried, without_kafka=without_kafka)
    else:
        found = _of_words(session, what, tried, limit)
    session.end_a_child()
    topics = session.settings.topics
    click.echo(json.dumps(answers.data(found, topics), indent=2) if as_json else answers.text(found, topics))
    if is_given and found.explanation is not None and found.explanation.verdict == DEAD_LETTER:
        raise Exit(EXIT_NOT_JUDGED)


COMMANDS = (explain_verdict,)


def _of_given(session: Session, text: str, tried: Sequence[str], *, without_kafka: bool) -> Answer:
    """Explain how a record with this value would be judged now."""
    value = _standard_input() if text == STANDARD_INPUT else os.fsencode(text)
    record = Record(session.settings.topics.transactions, 0, 0, now_ms(), None, value, ())
    rules = _code_rules(session)
    replay, by = _in_force(session, tried, without_kafka=without_kafka)
    return Answer(explain(record, replay._replace(code_rules=rules), tried), by, gaps=replay.gaps)


def _in_force(session: Session, tried: Sequence[str], *, without_kafka: bool) -> tuple[Replay, str]:
    alone = Replay(session.settings.decision, RuleBook(), has_lists=False)
    if without_kafka:
        return alone, "the settings here alone"
    try:
        return Inquiry(session.cluster, session.settings, tried).now()
    except ServiceFailed as failed:
        return alone, f"the settings here alone: {failed}"


def _of_words(session: Session, what: Sequence[str], tried: Sequence[str], limit: int) -> Answer:
    """Explain the record at a place, or the newest one with an id."""
    if len(what) == _A_PLACE:
        place = place_in_words(what, session.settings.topics)
        return Inquiry(session.cluster, session.settings, tried).of_place(place)
    if len(what) > 1:
        raise NotPossible("one argument, JSON, an id or a topic, or three: TOPIC PARTITION OFFSET")
    if os.path.isfile(what[0]):  # noqa: PTH113 - Path.is_file() raises where text is too long for a name
        raise NotPossible(f"{what[0]} is a file; a record is read from it by: rules explain - < {what[0]}")
    if what[0] in session.settings.topics.all:
        return _of_newest(session, what[0], tried)
    return _of_id(session, what[0], tried, limit)


def _of_newest(session: Session, topic: str, tried: Sequence[str]) -> Answer:
    found = search(session.cluster, topic, lambda _: True, _MOST_SEARCHED, _FIRST_WINDOW)
    if not found.records:
        raise NotPossible(f"there is no record in {topic}")
    return Inquiry(session.cluster, session.settings, tried).of_place(place_of(found.records[0]))


def _of_id(session: Session, wanted: str, tried: Sequence[str], limit: int) -> Answer:
    topic, mapping = session.settings.topics.transactions, session.settings.decision.mapping
    if mapping.id is None:
        place = place_in_id(wanted, topic)
        if place is None:
            raise NotPossible(f"FIELD_ID is empty, so an id is {topic}-PARTITION-OFFSET, not {wanted}")
        return Inquiry(session.cluster, session.settings, tried).of_place(place)
    ids = Ids(mapping)
    found = search(session.cluster, topic, lambda record: ids.of(record) == wanted, limit)
    if not found.records:
        limited = "" if found.is_all else "; --limit N looks further back"
        raise NotPossible(f"no record with the id {wanted} among the last {found.searched:,} of {topic}{limited}")
    newest, *others = found.records
    answer = Inquiry(session.cluster, session.settings, tried).of_record(newest)
    return answer._replace(more=[place_of(other) for other in others], searched=found.searched)


def _code_rules(session: Session) -> Sequence[CodeRule]:
    text = session.settings.fraud_rules
    try:
        return named_rules(text)
    except ValueError as expected:
        raise NotPossible(str(Mistake("FRAUD_RULES", text, str(expected)))) from expected


def _standard_input() -> bytes:
    """Return what comes in there, without the end of its last line. Raises ServiceFailed."""
    try:
        with open(0, "rb", closefd=False) as file:
            value = file.read(MOST_BYTES + 1).removesuffix(b"\n")
    except OSError as error:
        raise ServiceFailed(f"cannot read standard input: {error.strerror}") from error
    if len(value) > MOST_BYTES:
        raise ServiceFailed(f"standard input holds more than the {MOST_BYTES:,} bytes that a record can have")
    return value
