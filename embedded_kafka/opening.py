"""Starts the Kafka that a command asks for, with exclusive use of its port and folder."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from embedded_kafka.broker import EmbeddedKafka
from embedded_kafka.choice import Choice
from embedded_kafka.claims import data_directory_to_oneself, port_to_oneself
from embedded_kafka.secured import SecuredKafka
from embedded_kafka.waiting import Waiting

AnyKafka = EmbeddedKafka | SecuredKafka


@contextmanager
def opened(choice: Choice, waiting: Waiting, names: Mapping[str, str]) -> Iterator[AnyKafka]:
    """Start the chosen Kafka, and end it after the `with`. Raises EmbeddedKafkaError, InvalidSettings and Stopped.

    `names` are settings that name the topics and the group which the users of a secured one have rights on.
    """
    with ExitStack() as stack:
        stack.enter_context(port_to_oneself(choice.port))
        stack.enter_context(data_directory_to_oneself(choice.data_directory))
        kafka: AnyKafka
        if choice.is_secure:
            directory = choice.data_directory or Path(stack.enter_context(_temporary_directory()))
            kafka = stack.enter_context(SecuredKafka(directory, port=choice.port, names=names, waiting=waiting))
        else:
            plain = EmbeddedKafka(port=choice.port, data_directory=choice.data_directory, waiting=waiting)
            kafka = stack.enter_context(plain)
        waiting.done()
        yield kafka


def _temporary_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="secured-", ignore_cleanup_errors=True)
