"""The seam on confluent-kafka, which wraps librdkafka: the C library that does the work and writes the logs."""

from messaging.confluent.processor import open_processor
from messaging.confluent.publisher import open_publisher
from messaging.confluent.reader import open_reader
from messaging.confluent.topics import create_topics, describe_topics, end_offsets, offsets_at

__all__ = [
    "create_topics",
    "describe_topics",
    "end_offsets",
    "offsets_at",
    "open_processor",
    "open_publisher",
    "open_reader",
]
