"""The detector as a service: settings -> client -> loop -> exit code."""

import logging
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from decision.asked_rule import THRESHOLD_RULE
from decision.decision import Decision
from detector import loop
from detector.assignment import Assignment
from detector.batch_limit import BatchLimit
from detector.outputs import Outputs, outputs_of
from detector.provenance import Provenance
from detector.reference import Reference
from detector.report import Report
from detector.rule_failures import RuleFailures
from detector.settings import DetectorSettings
from detector.verdict_log import VerdictLog
from messaging.history import history_topic
from messaging.seam import ClientLibrary
from messaging.supervisor import Failures, keep_running, load_library
from messaging.topics import history_topics, payments_topics
from runtime.health import Heartbeat
from runtime.process import Process
from runtime.service import run_service
from runtime.stop import Stop

logger = logging.getLogger("detector")


@dataclass(frozen=True)
class Service:
    """What outlives a client."""

    settings: DetectorSettings
    library: ClientLibrary
    decision: Decision
    reference: Reference
    provenance: Provenance
    failures: RuleFailures
    limit: BatchLimit
    report: Report
    clients: Failures
    stop: Stop


def main(process: Process) -> None:
    """Run the process."""
    run_service(process, DetectorSettings, serve)


def serve(settings: DetectorSettings, stop: Stop) -> None:
    """Judge until a stop is asked for."""
    names, decision = settings.topics, Decision(settings.decision, settings.fraud_rules)
    provenance = Provenance(names.provenance, settings.group.consumer_group, names.transactions, decision.basis)
    code_rules = [rule.name for rule in settings.fraud_rules]
    logger.info(
        "started: %s at %s, group %s, rules %s, and those in %s",
        settings.connection.client,
        settings.connection.bootstrap_servers,
        settings.group.consumer_group,
        ", ".join([f"{THRESHOLD_RULE} ({settings.decision.fraud_threshold})", *code_rules]),
        settings.topics.rules,
    )
    report = Report(VerdictLog(settings.runtime.log.transactions, settings.shown_fields))
    library = load_library(settings.connection.client)
    service = Service(
        settings,
        library,
        decision,
        reference_of(settings, library, provenance),
        provenance,
        RuleFailures(settings.dead_letter_limit),
        BatchLimit(settings.group.batch_size),
        report,
        Failures(lambda: report.committed),
        stop,
    )
    keep_running(partial(detect, service), settings.connection, service.clients, stop)
    report.total()


def detect(service: Service) -> None:
    """Judge with one client, until a stop is asked for or the client fails."""
    outputs = prepare(service.settings, service.library)
    heartbeat = Heartbeat(service.settings.runtime.health_file)
    with closing(service.reference):
        service.reference.start(service.stop, heartbeat)
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
                reference=service.reference,
                provenance=service.provenance,
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
    names, creation = settings.topics, settings.topic_creation
    shapes = {**payments_topics(creation, names.all), **history_topics(creation, [names.provenance])}
    library.create_topics(settings.connection, shapes)
    described = library.describe_topics(settings.connection, [*shapes])
    notes, as_it_is = history_topic(settings, library, "provenance"), described[names.provenance]
    notes.raise_if_unfit(as_it_is)
    notes.raise_if_too_small(as_it_is)
    return outputs_of(names, described)


def reference_of(settings: DetectorSettings, library: ClientLibrary, own: Provenance) -> Reference:
    """Return what is followed."""
    rules, lists, notes = (history_topic(settings, library, holds) for holds in ("rules", "lists", "provenance"))
    return Reference(rules, lists, notes, own)
