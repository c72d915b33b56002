"""An audit in this process, and what is wrong according to it."""

from collections.abc import Mapping, Sequence

from audit.auditor import Auditor
from audit.findings import Findings
from audit.settings import AuditSettings
from runtime.settings import read_settings
from runtime.stop import Stop


def audit(settings: Mapping[str, str]) -> Findings:
    """Return what an audit with these settings finds."""
    findings = Auditor(read_settings(AuditSettings, settings), Stop()).audit()
    assert findings is not None
    return findings


def problems(findings: Findings) -> Sequence[str]:
    """Return the first offences of each kind in words, and what the detectors have not judged."""
    examples = [f"{kind}: {each}" for kind, found in findings.offences.examples.items() for each in found]
    return [*examples, f"not judged: {findings.in_flight:,}"] if findings.in_flight else examples
