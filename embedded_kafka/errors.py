"""What this package raises."""


class EmbeddedKafkaError(Exception):
    """Kafka could not be installed or started; the first line of the message says why in words for the user."""

    exit_code = 1


class CannotBeUsed(EmbeddedKafkaError):
    """A port or a folder that was asked for cannot be used; nothing was touched."""

    exit_code = 2
