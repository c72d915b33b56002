"""The seam on kafka-python."""

from messaging.kafka_python.processor import open_processor
from messaging.kafka_python.publisher import open_publisher
from messaging.kafka_python.reader import open_reader
from messaging.kafka_python.topics import create_topics, describe_topics, end_offsets, offsets_at

__all__ = [
    "create_topics",
    "describe_topics",
    "end_offsets",
    "offsets_at",
    "open_processor",
    "open_publisher",
    "open_reader",
]
