"""A topic that is a history: of rules, of lists, or of what was judged with them. It is read on before each audit."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from audit.connection import configuration, is_refused, or_failed
from audit.reader import read
from audit.snapshot import ANSWER_SECONDS, EARLIEST, LATEST, offsets
from messaging.batch import Offsets, Record
from messaging.confluent.refusals import Refusals
from messaging.settings import ConnectionSettings
from runtime.service import ServiceFailed, ServiceRefused
from runtime.stop import Stop

logger = logging.getLogger(__name__)


class Written(NamedTuple):
    """Where a history is written, and who takes a record of it and returns what is wrong with it, else "".

    What is open in it is waited for where it `waits`: otherwise it is read up to its stable end.
    """

    setting: str
    topic: str
    take: Callable[[Record], str]
    waits: bool = False

    @property
    def named(self) -> str:
        """Its name as a setting."""
        return f"{self.setting}={self.topic}"


class HistoryTopic:
    """Reads a history on, and tells the log once what is wrong there.

    Without the topic, or the right to read it, nothing is taken.
    """

    def __init__(self, connection: ConnectionSettings, stop: Stop, written: Written) -> None:
        self._connection = connection
        self._written = written
        self._place = written.topic, 0
        self._stop = stop
        self._next = 0
        self._said: set[str] = set()

    def read_on(self) -> None:
        """Read from where the last time ended up to where it ends now. Raises ServiceFailed."""
        try:
            ends = self._ends()
            if ends.get(self._place, self._next) < self._next:
                raise ServiceFailed(f"{self._written.named} is a new topic, or a part of it is lost: begin a new audit")
            self._read_up_to(ends)
        except ServiceRefused as refused:
            self._warn(f"{refused}: what is in {self._written.named} is not known here")

    def _read_up_to(self, ends: Offsets) -> None:
        problems = {}
        for record in read(self._connection, {self._place: self._next}, ends, self._stop):
            problem = self._written.take(record)
            if problem:
                problems[record.offset] = problem
            self._next = record.offset + 1
        for offset, problem in list(problems.items())[:1]:
            more = f", and so with {len(problems) - 1:,} more" if len(problems) > 1 else ""
            self._warn(f"{self._written.topic}[0] offset {offset} counts for nothing here: {problem}{more}")

    def _ends(self) -> Offsets:
        """Return the topic's end, nothing where there is no such topic. Raises ServiceRefused, ServiceFailed."""
        name, _ = self._place
        refusals = Refusals(self._connection.security)
        admin = AdminClient(configuration(self._connection, refusals))
        with or_failed(f"no answer from Kafka about {name}"):
            topic = admin.list_topics(name, timeout=ANSWER_SECONDS).topics[name]
            if topic.error is not None and topic.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return {}
            if is_refused(topic.error):
                raise ServiceRefused(str(refusals.missing({name: "Describe"})))
            if len(topic.partitions) != 1:
                raise ServiceFailed(f"{self._written.named} has {len(topic.partitions)} partitions: it must have one")
            places = [TopicPartition(*self._place)]
            begin = offsets(admin, places, EARLIEST, IsolationLevel.READ_UNCOMMITTED)[self._place]
            if begin > 0:
                self._warn(f"{name}[0]: the first {begin:,} offsets were deleted: what was there is not known here")
            open_too = IsolationLevel.READ_UNCOMMITTED if self._written.waits else IsolationLevel.READ_COMMITTED
            return offsets(admin, places, LATEST, open_too)

    def _warn(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            logger.warning("%s", line)
