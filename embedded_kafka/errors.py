"""What this package raises."""


class EmbeddedKafkaError(Exception):
    """Kafka could not be installed or started; the first line of the message says why in words for the user."""

    exit_code = 1


class CannotBeUsed(EmbeddedKafkaError):
    """A port or a folder that was asked for cannot be used."""

    exit_code = 2


class CannotBeStarted(EmbeddedKafkaError):
    """The system refuses to start a process."""

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"{name} cannot be started: {error.strerror}")
