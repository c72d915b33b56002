"""The generator's loop: takes what is due from the stream, sends it, and reports what has been delivered."""

import time
from collections.abc import Iterator
from itertools import islice

from generator.pace import Pace
from generator.report import Report
from messaging.batch import Message
from messaging.seam import Publisher
from runtime.health import Heartbeat
from runtime.service import ServiceFailed
from runtime.stop import Stop

_LONGEST_WAIT_SECONDS = 0.1


def run(
    publisher: Publisher,
    messages: Iterator[Message],
    per_second: float,
    report: Report,
    heartbeat: Heartbeat,
    stop: Stop,
) -> None:
    """Send messages at their pace until they end or a stop is asked for, then deliver what was queued.

    Sends in bursts; each is acknowledged before the next is made. Raises ClientFailed, and
    ServiceFailed where a stop has waited for long enough.
    """
    pace = Pace(per_second, time.monotonic())
    ended = False
    while publisher.in_flight or not (stop.requested or ended):
        heartbeat.beat()
        if stop.is_overdue:
            raise ServiceFailed("stopped without waiting any longer: Kafka has not acknowledged what was sent")
        if publisher.in_flight:
            report.delivered(publisher.delivered(_LONGEST_WAIT_SECONDS))
        elif due := pace.due(time.monotonic()):
            ended = send_all(publisher, messages, due, stop)
        else:
            stop.wait(min(_LONGEST_WAIT_SECONDS, pace.seconds_until_due(time.monotonic())))
        report.summary()


def send_all(publisher: Publisher, messages: Iterator[Message], due: int, stop: Stop) -> bool:
    """Make and send the messages that are due, or fewer if a stop is asked for; return whether there are no more."""
    made = 0
    with stop.while_waiting_for("its own making of transactions"):
        for message in islice(messages, due):
            publisher.send(message)
            made += 1
            if stop.requested:
                break
    return made < due and not stop.requested
