"""The generator as a service: settings -> client -> loop -> exit code."""

import logging
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import islice

from generator import loop
from generator.fake_transactions import fake_transactions
from generator.messages import as_message, written_time
from generator.report import Report
from generator.settings import GeneratorSettings
from messaging.batch import Message
from messaging.seam import ClientLibrary
from messaging.supervisor import Failures, keep_running, load_library
from messaging.topics import payments_topics
from payments.writing import TransactionWriter
from runtime.health import Heartbeat
from runtime.process import Process
from runtime.service import run_service
from runtime.stop import Stop

logger = logging.getLogger("generator")


def main(process: Process) -> None:
    """Run the process."""
    run_service(process, GeneratorSettings, serve)


def serve(settings: GeneratorSettings, stop: Stop) -> None:
    """Generate until the count is reached or a stop is asked for."""
    logger.info(
        "started: %s at %s, %s a second to %s",
        settings.connection.client,
        settings.connection.bootstrap_servers,
        settings.per_second or "as fast as possible,",
        settings.topic,
    )
    stream = fake_transactions(settings.seed, settings.accounts, partial(written_time, settings.mapping.timestamp_unit))
    as_messages = partial(as_message, settings.topic, TransactionWriter(settings.mapping))
    messages = map(as_messages, islice(stream, settings.count or None))
    report = Report(settings.runtime.log.transactions, settings.mapping)
    session = partial(generate, settings, load_library(settings.connection.client), messages, report, stop)
    keep_running(session, settings.connection, Failures(lambda: report.sent), stop)
    report.total()


def generate(
    settings: GeneratorSettings, library: ClientLibrary, messages: Iterator[Message], report: Report, stop: Stop
) -> None:
    """Generate with one client, until the messages end, a stop is asked for or the client fails."""
    library.create_topics(settings.connection, payments_topics(settings.topic_creation, [settings.topic]))
    heartbeat = Heartbeat(settings.runtime.health_file)
    with closing(library.open_publisher(settings.connection)) as publisher:
        logger.info("connected: writing to %s", settings.topic)
        try:
            loop.run(publisher, messages, float(settings.per_second), report, heartbeat, stop)
        finally:
            report.given_up(publisher.in_flight)
