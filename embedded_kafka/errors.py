"""The one exception of this package."""


class EmbeddedKafkaError(Exception):
    """Kafka could not be installed or started; the first line of the message says why in words for the user."""
