"""Write jars.lock again: `python -m embedded_kafka.lock`, after changing a version below."""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import Dependency, MavenContext

from embedded_kafka.download import AT_A_TIME, TIMEOUT_SECONDS
from embedded_kafka.jars import LOCK, sha256_of

# The second makes log4j, which Kafka brings, the place where its log lines go; keep it at log4j-core's version.
# The "!" keeps jgo from taking the versions that log4j's own build uses (an older kafka-clients, for one).
ROOTS = (
    "org.apache.kafka:kafka_2.13:4.3.1!",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
)
HEADER = "# group:artifact:version and SHA-256 of each jar of the broker; python -m embedded_kafka.lock writes it.\n"


def main() -> None:
    """Resolve the roots at Maven Central, download all of it anew and write down what came."""
    with tempfile.TemporaryDirectory() as temporary:
        context = MavenContext(repo_cache=Path(temporary), local_repos=[], timeout=TIMEOUT_SECONDS)
        roots, others = context.resolver.resolve([context.create_dependency(root) for root in ROOTS])
        with ThreadPoolExecutor(AT_A_TIME) as executor:
            lines = sorted(executor.map(_lock_line, [*roots, *others]))
    LOCK.write_text(HEADER + "".join(lines), encoding="utf-8")
    sys.stderr.write(f"{LOCK.name}: {len(lines)} jars\n")


def _lock_line(dependency: Dependency) -> str:
    coordinates = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
    return f"{coordinates} {sha256_of(dependency.artifact.resolve())}\n"


if __name__ == "__main__":
    main()
