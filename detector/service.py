"""The detector as a service: settings -> client -> loop -> exit code."""

import logging
import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from decision.asked_rule import THRESHOLD_RULE
from decision.expression import translate
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.scope import Scope
from decision.source import InvalidExpression
from detector import loop
from detector.assignment import Assignment
from detector.batch_limit import BatchLimit
from detector.decision import Decision
from detector.explanation import explain
from detector.outputs import Outputs, outputs_of
from detector.report import Report
from detector.rule_failures import RuleFailures
from detector.rule_reader import RuleReader, RuleTopic
from detector.settings import DetectorSettings
from detector.verdict_log import VerdictLog
from messaging.batch import Record
from messaging.seam import ClientLibrary
from messaging.supervisor import Failures, keep_running, load_library
from messaging.topics import payments_topics
from runtime.health import Heartbeat
from runtime.output import Output
from runtime.process import Process
from runtime.service import EXIT_OK, ServiceFailed, argument_parser, run_service
from runtime.stop import Stop
from runtime.timing import now_ms

STANDARD_INPUT = "-"
EXIT_NOT_JUDGED = 1
MOST_BYTES = 100_000_000

logger = logging.getLogger("detector")


@dataclass(frozen=True)
class Service:
    """What outlives a client."""

    settings: DetectorSettings
    library: ClientLibrary
    decision: Decision
    rule_reader: RuleReader
    failures: RuleFailures
    limit: BatchLimit
    report: Report
    clients: Failures
    stop: Stop


def main(process: Process) -> None:
    """Run the process."""
    parser = argument_parser("detector", DetectorSettings)
    parser.add_argument(
        "--explain",
        nargs="?",
        const=STANDARD_INPUT,
        metavar="JSON",
        help="show how a record with this value would be read, and judged by FRAUD_THRESHOLD and FRAUD_RULES, without "
        "Kafka; exit code 1: it would be a dead letter. Without JSON it is read from standard input",
    )
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        type=expression,
        metavar="EXPRESSION",
        help="with --explain: try a rule on the record, see docs/rules.md; may be given several times",
    )
    options = parser.parse_args()
    if options.rule and options.explain is None:
        parser.error("--rule needs --explain")
    if os.path.isfile(options.explain or ""):  # noqa: PTH113 - Path.is_file() raises where text is too long for a name
        parser.error(f"{options.explain} is a file; a record is read from it by --explain < {options.explain}")
    act = (
        serve
        if options.explain is None
        else partial(show, given=options.explain, rules=options.rule, output=process.log)
    )
    run_service(process, DetectorSettings, act, options)


def expression(text: str) -> str:
    """Return an expression that is allowed. Raises ArgumentTypeError(what is wrong with it)."""
    try:
        translate(text, Scope())
    except InvalidExpression as error:
        raise ArgumentTypeError(str(error)) from error
    return text


def show(settings: DetectorSettings, _stop: Stop, *, given: str, rules: Sequence[str], output: Output) -> int:
    """Show how a record would be read and judged; return the exit code, 1 where it would be a dead letter."""
    value = standard_input() if given == STANDARD_INPUT else os.fsencode(given)
    record = Record(settings.topics.transactions, 0, 0, now_ms(), None, value, ())
    decision = decision_of(settings, keeps_json=bool(rules))
    text, is_judged = explain(record, decision, settings.mapping, RuleSet({text: Held(Rule(text)) for text in rules}))
    output.write(text)
    return EXIT_OK if is_judged else EXIT_NOT_JUDGED


def standard_input() -> bytes:
    """Return what comes in there, without the end of its last line. Raises ServiceFailed."""
    try:
        with open(0, "rb", closefd=False) as file:
            value = file.read(MOST_BYTES + 1).removesuffix(b"\n")
    except OSError as error:
        raise ServiceFailed(f"cannot read standard input: {error.strerror}") from error
    if len(value) > MOST_BYTES:
        raise ServiceFailed(f"standard input holds more than the {MOST_BYTES:,} bytes that a record can have")
    return value


def serve(settings: DetectorSettings, stop: Stop) -> None:
    """Judge until a stop is asked for."""
    logger.info(
        "started: %s at %s, group %s, rules %s, and those in %s",
        settings.connection.client,
        settings.connection.bootstrap_servers,
        settings.group.consumer_group,
        ", ".join([f"{THRESHOLD_RULE} ({settings.fraud_threshold})", *(rule.name for rule in settings.fraud_rules)]),
        settings.topics.rules,
    )
    report = Report(VerdictLog(settings.runtime.log.transactions, settings.shown_fields))
    library = load_library(settings.connection.client)
    service = Service(
        settings,
        library,
        decision_of(settings),
        RuleReader(RuleTopic(settings.topics.rules, library, settings.connection, settings.topic_creation)),
        RuleFailures(settings.dead_letter_limit),
        BatchLimit(settings.group.batch_size),
        report,
        Failures(lambda: report.committed),
        stop,
    )
    keep_running(partial(detect, service), settings.connection, service.clients, stop)
    report.total()


def decision_of(settings: DetectorSettings, *, keeps_json: bool = False) -> Decision:
    """Return how records are judged by the settings; `keeps_json` where they are asked for more than the rules ask."""
    return Decision(settings.mapping, settings.fraud_threshold, settings.fraud_rules, keeps_json=keeps_json)


def detect(service: Service) -> None:
    """Judge with one client, until a stop is asked for or the client fails."""
    outputs = prepare(service.settings, service.library)
    heartbeat = Heartbeat(service.settings.runtime.health_file)
    with closing(service.rule_reader):
        service.rule_reader.start(service.stop, heartbeat)
        judge_in_group(service, outputs, heartbeat)


def judge_in_group(service: Service, outputs: Outputs, heartbeat: Heartbeat) -> None:
    """Judge as a member of the consumer group, until a stop is asked for or the client fails."""
    settings, topic = service.settings, service.settings.topics.transactions
    with closing(service.library.open_processor(settings.connection, settings.group, topic)) as processor:
        logger.info("connected: joining the group %s", settings.group.consumer_group)
        loop.run(
            loop.Detector(
                processor,
                Assignment(processor, topic),
                decision=service.decision,
                rule_reader=service.rule_reader,
                failures=service.failures,
                limit=service.limit,
                outputs=outputs,
                report=service.report,
                heartbeat=heartbeat,
                clients=service.clients,
                stop=service.stop,
            )
        )


def prepare(settings: DetectorSettings, library: ClientLibrary) -> Outputs:
    """Make sure that the topics exist, and return where the verdicts lead."""
    names = settings.topics
    library.create_topics(settings.connection, payments_topics(settings.topic_creation, names.all))
    return outputs_of(names, library.describe_topics(settings.connection, names.all))
