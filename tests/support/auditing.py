"""An audit in this process, what is wrong according to it, and notes of what it audits as a detector writes them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from audit.auditor import Auditor
from audit.findings import Findings
from audit.settings import AuditSettings
from decision.history import FORMAT, Reading
from decision.provenance import Basis, DecisionSettings, Note, encode
from messaging.batch import Message
from runtime.settings import read_settings
from runtime.stop import Stop
from tests.support.topics import Names, committed, message

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
NOTHING = Reading()


def audit(settings: Mapping[str, str]) -> Findings:
    """Return what an audit with these settings finds."""
    findings = Auditor(read_settings(AuditSettings, settings), Stop()).audit()
    assert findings is not None
    return findings


def problems(findings: Findings) -> Sequence[str]:
    """Return the first offences of each kind in words, and what the detectors have not judged or cannot be checked."""
    examples = [f"{kind}: {each}" for kind, found in findings.offences.examples.items() for each in found]
    in_flight = [f"not judged: {findings.in_flight:,}"] if findings.in_flight else []
    unknown = findings.not_replayable.items()
    return [*examples, *in_flight, *(f"not replayable: {each.verdicts:,}: {cause}" for cause, each in unknown)]


def reading(servers: str, topic: str, version: int | None = None) -> Reading:
    """Return how far somebody has read a topic of rules or lists who knows that version, or all of it."""
    found = Reading()
    for record in committed(servers, topic):
        if version is None or record.offset < version:
            found = found.after(record.offset, record.value)
    return found


def note(
    names: Names,
    number: int = 1,
    *,
    offset: int = 0,
    settings: Mapping[str, str] = NO_SETTINGS,
    **read: Reading,
) -> Message:
    """Return a note, the only detector's of that number: from an offset of partition 0 on it judges with that."""
    texts = read_settings(DecisionSettings, settings).as_texts()
    basis = Basis(texts, (), read.get("rules", NOTHING), read.get("lists", NOTHING))
    written = Note(FORMAT, names.group, names.transactions, "the-detector", number, {0: offset}, basis)
    return message(names.provenance, encode(written), key=None)
