"""The audit as a service: settings -> auditor -> table -> exit code."""

import logging
from collections.abc import Iterator
from functools import partial

from audit.auditor import Auditor
from audit.connection import NOT_MADE
from audit.findings import NOT_REPLAYABLE, Findings, table
from audit.settings import AuditSettings
from runtime.output import Output
from runtime.process import Process
from runtime.service import EXIT_OK, ServiceFailed, argument_parser, run_service
from runtime.stop import Stop

EXIT_LAW_BROKEN = 1
SECONDS_BETWEEN_TABLES = 10.0

logger = logging.getLogger("audit")


def main(process: Process) -> None:
    """Run the process. Once asked for an answer it gives one, in its exit code, even if nobody reads the table."""
    parser = argument_parser("audit", AuditSettings)
    parser.add_argument("--follow", action="store_true", help="go on, with a table every ten seconds, until Ctrl-C")
    parser.add_argument("--conservation", action="store_true", help="ask of no record whether its verdict is right")
    options = parser.parse_args()
    process.stop.outlives_its_reader = not options.follow
    work = partial(serve, output=process.log, follow=options.follow, judges=not options.conservation)
    run_service(process, AuditSettings, work, options)


def serve(settings: AuditSettings, stop: Stop, *, output: Output, follow: bool, judges: bool = True) -> int:
    """Audit once, or until a stop is asked for; return the exit code."""
    stop.work_begins("Kafka or a rule of FRAUD_RULES to answer" if settings.fraud_rules else "Kafka to answer")
    last = None
    for last in audits(Auditor(settings, stop, judges=judges), stop, follow=follow):
        show(last, settings.runtime.log.format, output)
    if last is None:
        raise ServiceFailed(NOT_MADE)
    return EXIT_OK if last.law_holds else EXIT_LAW_BROKEN


def audits(auditor: Auditor, stop: Stop, *, follow: bool) -> Iterator[Findings]:
    """Yield the findings of one audit, or of one after the other until a stop is asked for."""
    while not stop.requested and (findings := auditor.audit()) is not None:
        yield findings
        if not follow:
            return
        stop.wait(SECONDS_BETWEEN_TABLES)


def show(findings: Findings, log_format: str, output: Output) -> None:
    """Print the table, or in the JSON format log the same as the fields of one event."""
    if log_format == "text":
        output.write(table(findings) + "\n")
    examples = findings.offences.examples
    unknown = {cause: unknown.verdicts for cause, unknown in findings.not_replayable.items()}
    fields = {
        "counts": findings.counts(),
        "examples": examples,
        "not_replayable": unknown,
        "rule_versions": findings.versions,
    }
    if findings.law_holds:
        logger.info("audit passed: every record is accounted for%s", _limits(findings), extra={"fields": fields})
    else:
        logger.error("audit failed: not every record is accounted for%s", _limits(findings), extra={"fields": fields})


def _limits(findings: Findings) -> str:
    """Return by how many versions of the rules it was judged, and what was not."""
    if not findings.is_judged:
        return "; whether verdicts are right was not asked"
    versions = f", by {findings.versions} versions of the rules" if findings.versions > 1 else ""
    count = findings.counts()[NOT_REPLAYABLE]
    return versions + (f"; {count:,} verdicts cannot be checked" if count else "")
