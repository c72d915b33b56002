"""`python -m audit`: settings -> auditor -> table -> exit code."""

import logging
from collections.abc import Iterator
from functools import partial

from audit.auditor import Auditor
from audit.findings import Findings, table
from audit.settings import AuditSettings
from runtime.service import ServiceFailed, argument_parser, run_with_settings
from runtime.stop import Stop

SECONDS_BETWEEN_TABLES = 10.0

logger = logging.getLogger("audit")


def serve(settings: AuditSettings, stop: Stop, *, follow: bool) -> None:
    """Audit once, or until a stop is asked for. Raises ServiceFailed where the law of conservation is broken."""
    last = None
    for findings in audits(Auditor(settings, stop), stop, follow=follow):
        show(findings, settings.runtime.log.format)
        last = findings
    if last is None:
        raise ServiceFailed("stopped before the end: nothing is known")
    if not last.law_holds:
        raise ServiceFailed("the law of conservation is broken")


def audits(auditor: Auditor, stop: Stop, *, follow: bool) -> Iterator[Findings]:
    """Yield the findings of one audit, or of one after the other until a stop is asked for."""
    while not stop.requested and (findings := auditor.audit()) is not None:
        yield findings
        if not follow:
            return
        stop.wait(SECONDS_BETWEEN_TABLES)


def show(findings: Findings, log_format: str) -> None:
    """Print the table, or in the JSON format log the same as the fields of one event."""
    verdict = "holds" if findings.law_holds else "is broken"
    if log_format == "text":
        print(table(findings), flush=True)
    fields = {"counts": findings.counts(), "examples": findings.offences.examples}
    logger.info("the law of conservation %s", verdict, extra={"fields": fields})


if __name__ == "__main__":
    parser = argument_parser("audit", AuditSettings)
    parser.add_argument("--follow", action="store_true", help="go on, with a table every ten seconds, until Ctrl-C")
    run_with_settings("audit", AuditSettings, partial(serve, follow=parser.parse_args().follow))
