"""The detector as a service: settings -> client -> loop -> exit code."""

import logging
from contextlib import closing
from functools import partial

from detector import loop
from detector.report import Report
from detector.routing import Routes
from detector.rules import THRESHOLD_RULE, amount_over
from detector.settings import DetectorSettings
from messaging.seam import ANY_TIME_MS, ClientLibrary
from messaging.supervisor import keep_running, load_library
from runtime.health import Heartbeat
from runtime.process import Process
from runtime.service import run_service
from runtime.stop import Stop

logger = logging.getLogger("detector")


def main(process: Process) -> None:
    """Run the process."""
    run_service(process, DetectorSettings, serve)


def serve(settings: DetectorSettings, stop: Stop) -> None:
    """Judge until a stop is asked for."""
    logger.info(
        "started: %s at %s, group %s, rules %s",
        settings.kafka.client,
        settings.kafka.bootstrap_servers,
        settings.kafka.consumer_group,
        ", ".join([f"{THRESHOLD_RULE} ({settings.fraud_threshold})", *(rule.name for rule in settings.fraud_rules)]),
    )
    report = Report(settings.runtime.log.transactions)
    session = partial(detect, settings, load_library(settings.kafka.client), report, stop)
    keep_running(session, settings.kafka, stop)
    report.total()


def detect(settings: DetectorSettings, library: ClientLibrary, report: Report, stop: Stop) -> None:
    """Judge with one client, until a stop is asked for or the client fails."""
    routes = make_routes(settings, library)
    failures = loop.RuleFailures(settings.dead_letter_limit)
    heartbeat = Heartbeat(settings.runtime.health_file)
    with closing(library.open_detector_client(settings.kafka, settings.topics.transactions)) as client:
        logger.info("connected: reading %s", settings.topics.transactions)
        loop.run(client, routes, failures, report, heartbeat, stop)


def make_routes(settings: DetectorSettings, library: ClientLibrary) -> Routes:
    """Make sure that the topics exist, and return where the verdicts lead."""
    names = settings.topics
    library.create_topics(settings.kafka, names.names())
    topics = library.describe_topics(settings.kafka, names.names())
    partitions = topics[names.transactions].partitions
    outputs = [topics[name] for name in names.names()[1:]]
    most_after = min(output.most_after_ms for output in outputs)
    return Routes(
        rules=[amount_over(settings.fraud_threshold), *settings.fraud_rules],
        fraud=names.fraud,
        legit=names.legit,
        dead_letter=names.dead_letter,
        keeps_partition={name for name, topic in topics.items() if topic.partitions == partitions},
        max_message_bytes=min(output.max_message_bytes for output in outputs),
        most_before_ms=min(output.most_before_ms for output in outputs),
        # What the input has taken they take too, now or later, unless their limit is narrower.
        most_after_ms=most_after if most_after < topics[names.transactions].most_after_ms else ANY_TIME_MS,
    )
