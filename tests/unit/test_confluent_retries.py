"""What of librdkafka's errors is tried again."""

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from messaging.confluent.connection import until_done
from messaging.confluent.refusals import Refusals
from messaging.security.settings import SecuritySettings
from runtime.settings import read_settings

TIMED_OUT = KafkaError._TIMED_OUT  # noqa: SLF001 - so it is called
UNANSWERED = KafkaError(TIMED_OUT)
MESSAGES_TIMED_OUT = KafkaError(TIMED_OUT, "3 message(s) timed out", txn_requires_abort=True)


class Call:
    """Fails with these errors, one each time, and then does not."""

    def __init__(self, *errors: KafkaError) -> None:
        self._errors = list(errors)
        self.times = 0

    def __call__(self, _seconds: float) -> str:
        self.times += 1
        if self._errors:
            raise KafkaException(self._errors.pop(0))
        return "done"


def made(call: Call) -> str:
    return until_done(Producer({}), Refusals(read_settings(SecuritySettings, {})), call)


def test_what_has_no_answer_is_tried_again() -> None:
    assert made(Call(UNANSWERED, UNANSWERED)) == "done"


def test_what_a_kafka_transaction_has_to_be_aborted_for_is_not() -> None:
    call = Call(MESSAGES_TIMED_OUT)
    with pytest.raises(KafkaException):
        made(call)
    assert call.times == 1
