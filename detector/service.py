"""The detector as a service: settings -> client -> loop -> exit code."""

import logging
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from detector import loop
from detector.assignment import Assignment
from detector.batch_limit import BatchLimit
from detector.loop import RuleFailures
from detector.outputs import Outputs, outputs_of
from detector.report import Report
from detector.rules import THRESHOLD_RULE, amount_over
from detector.settings import DetectorSettings
from messaging.seam import ClientLibrary
from messaging.supervisor import Failures, keep_running, load_library
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
    logger.info(
        "started: %s at %s, group %s, rules %s",
        settings.connection.client,
        settings.connection.bootstrap_servers,
        settings.group.consumer_group,
        ", ".join([f"{THRESHOLD_RULE} ({settings.fraud_threshold})", *(rule.name for rule in settings.fraud_rules)]),
    )
    report = Report(settings.runtime.log.transactions)
    service = Service(
        settings,
        load_library(settings.connection.client),
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
    settings = service.settings
    outputs = prepare(settings, service.library)
    topic = settings.topics.transactions
    with closing(service.library.open_processor(settings.connection, settings.group, topic)) as processor:
        logger.info("connected: joining the group %s", settings.group.consumer_group)
        loop.run(
            loop.Detector(
                processor,
                Assignment(processor, topic),
                rules=[amount_over(settings.fraud_threshold), *settings.fraud_rules],
                failures=service.failures,
                limit=service.limit,
                outputs=outputs,
                report=service.report,
                heartbeat=Heartbeat(settings.runtime.health_file),
                clients=service.clients,
                stop=service.stop,
            )
        )


def prepare(settings: DetectorSettings, library: ClientLibrary) -> Outputs:
    """Make sure that the topics exist, and return where the verdicts lead."""
    names = settings.topics
    library.create_topics(settings.connection, settings.topic_creation, names.all)
    return outputs_of(names, library.describe_topics(settings.connection, names.all))
