"""The generator's loop: takes what is due from the stream, sends it, and reports what has been delivered."""

import time
from collections.abc import Iterator, Sequence
from itertools import islice

from generator.pace import Pace
from generator.report import Report
from messaging.client import GeneratorClient, Message
from runtime.health import Heartbeat
from runtime.stop import Stop

_LONGEST_WAIT_SECONDS = 0.1


def run(
    client: GeneratorClient,
    messages: Iterator[Message],
    per_second: float,
    report: Report,
    heartbeat: Heartbeat,
    stop: Stop,
) -> None:
    """Send messages at their pace until they end or a stop is asked for, then deliver what was taken on.

    Raises ClientFailed.
    """
    pace = Pace(per_second, time.monotonic())
    ended = False
    while not (stop.requested or ended):
        heartbeat.beat()
        due = pace.due(time.monotonic(), client.in_flight)
        bunch = list(islice(messages, due))
        for message in bunch:
            client.send(message)
        pace.took(len(bunch))
        ended = len(bunch) < due
        report.delivered(_await(client, 0 if due else pace.seconds_until_due(time.monotonic(), client.in_flight), stop))
        report.summary()
    while client.in_flight:
        report.delivered(client.delivered(_LONGEST_WAIT_SECONDS))


def _await(client: GeneratorClient, seconds: float, stop: Stop) -> Sequence[Message]:
    """Return what has been delivered; where nothing has, wait for that, but no longer than so many seconds."""
    seconds = min(_LONGEST_WAIT_SECONDS, seconds)
    if client.in_flight:
        return client.delivered(seconds)
    stop.wait(seconds)
    return ()
