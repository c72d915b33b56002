"""All that was judged with, read from Kafka before each audit, in the order that matters.

A detector writes a note, in PROVENANCE_TOPIC, in the Kafka transaction of the first verdicts that it is about; but it
may be written behind these. So first all Kafka transactions of verdicts that are audited now have to be at their end.
Then the topic of provenance is read up to where it ends, open Kafka transactions included: what is before that may
become visible a moment later, and is waited for. What the notes name had been read by a detector, so it is in the
topics of rules and lists: these are read last.
"""

import logging
import time
from collections.abc import Mapping
from functools import partial
from itertools import pairwise

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient

from audit.connection import configuration, or_failed
from audit.findings import Unknown
from audit.history import RulesHistory
from audit.history_topic import HistoryTopic, Written
from audit.lists import ListsHistory
from audit.reader import MOST_SILENT_SECONDS, silent
from audit.replay import Replay
from audit.settings import AuditSettings
from audit.snapshot import LATEST, offsets
from decision.note_history import NoteHistory
from decision.provenance import differences
from messaging.batch import Offsets
from messaging.confluent.refusals import Refusals
from messaging.settings import ConnectionSettings
from runtime.stop import Stop

_PAUSE_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Past:
    """Reads it on; `replay` knows what has been read."""

    def __init__(self, settings: AuditSettings, stop: Stop) -> None:
        topics = settings.topics
        notes = NoteHistory(settings.consumer_group, topics.transactions)
        rules, lists = RulesHistory(), ListsHistory()
        self.replay = Replay(notes, rules, lists, settings.fraud_rules)
        self._connection = settings.connection
        self._stop = stop
        self._said: set[str] = set()
        self._histories = [
            HistoryTopic(settings.connection, stop, written)
            for written in (
                Written(
                    "PROVENANCE_TOPIC",
                    topics.provenance,
                    lambda record: notes.take(record.offset, record.value),
                    waits=True,
                ),
                Written("RULES_TOPIC", topics.rules, rules.take),
                Written("LISTS_TOPIC", topics.lists, lists.take),
            )
        ]

    def read_on(self, output_ends: Offsets) -> None:
        """Read what verdicts before these ends were made with. Raises ServiceFailed."""
        wait_until_decided(self._connection, output_ends, self._stop)
        for history in self._histories:
            history.read_on()
        self.replay.has_read_on()

    def warn(self, not_replayable: Mapping[str, Unknown]) -> None:
        """Tell the log why some verdicts cannot be checked, and which settings differed among them; each thing once."""
        for cause, unknown in not_replayable.items():
            self._warn(f"not replayable: {unknown.verdicts:,}, the first is {unknown.first}: {cause}", cause)
        for before, after in pairwise(self.replay.bases):
            for difference in differences(before, after):
                self._warn(f"some were judged with other settings than others: {difference}", difference)

    def _warn(self, line: str, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            logger.warning("%s", line)


def wait_until_decided(connection: ConnectionSettings, ends: Offsets, stop: Stop) -> None:
    """Wait for the end of all Kafka transactions that are open before these ends, or for a stop.

    Raises ServiceFailed where one is open for a minute, or Kafka does not answer.
    """
    admin = AdminClient(configuration(connection, Refusals(connection.security)))
    places = [TopicPartition(*place) for place in ends]
    stable = partial(offsets, admin, places, LATEST, IsolationLevel.READ_COMMITTED)
    heard, before = time.monotonic(), -1
    with or_failed(f"no answer from Kafka at {connection.bootstrap_servers}"):
        while not stop.requested and (left := _left(ends, stable())):
            if sum(left.values()) != before:
                heard, before = time.monotonic(), sum(left.values())
            elif time.monotonic() - heard > MOST_SILENT_SECONDS:
                raise silent(left)
            time.sleep(_PAUSE_SECONDS)


def _left(ends: Offsets, stable: Offsets) -> Offsets:
    return {place: end for place, end in ends.items() if stable[place] < end}
