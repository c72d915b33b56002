"""The topic of rules, read to its end before each audit.

Its end is asked for after the ends of the outputs. So what those records were judged by is before it.
"""

import logging

from confluent_kafka import IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from audit.connection import configuration, is_refused, or_failed
from audit.history import History
from audit.reader import read
from audit.settings import AuditSettings
from audit.snapshot import ANSWER_SECONDS, EARLIEST, LATEST, offsets
from messaging.batch import Offsets
from messaging.confluent.refusals import Refusals
from runtime.service import ServiceFailed, ServiceRefused
from runtime.stop import Stop

logger = logging.getLogger(__name__)


class RulesTopic:
    """Tells a history what is in the topic, and the log once what is wrong there.

    Without the topic, or the right to read it, the history stays as it is.
    """

    def __init__(self, settings: AuditSettings, stop: Stop, history: History) -> None:
        self._connection = settings.connection
        self._place = settings.topics.rules, 0
        self._stop = stop
        self._history = history
        self._next = 0
        self._said: set[str] = set()

    def read_on(self) -> None:
        """Read from where the last time ended. Raises ServiceFailed."""
        try:
            self._read_up_to(self._ends())
        except ServiceRefused as refused:
            self._warn(f"{refused}: only FRAUD_THRESHOLD and FRAUD_RULES are known here")

    def _read_up_to(self, ends: Offsets) -> None:
        name, _ = self._place
        problems = {}
        for record in read(self._connection, {self._place: self._next}, ends, self._stop):
            problem = self._history.take(record)
            if problem:
                problems[record.offset] = problem
            self._next = record.offset + 1
        for offset, problem in list(problems.items())[:1]:
            more = f", and so with {len(problems) - 1:,} more" if len(problems) > 1 else ""
            self._warn(f"{name}[0] offset {offset} changes no rules here: {problem}{more}")

    def _ends(self) -> Offsets:
        """Return the topic's stable end, nothing where there is no such topic. Raises ServiceRefused, ServiceFailed."""
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
                raise ServiceFailed(f"RULES_TOPIC={name} has {len(topic.partitions)} partitions: it must have one")
            places = [TopicPartition(*self._place)]
            begin = offsets(admin, places, EARLIEST, IsolationLevel.READ_UNCOMMITTED)[self._place]
            if begin > 0:
                self._warn(f"{name}[0]: the first {begin:,} offsets were deleted: their rules are not known here")
            return offsets(admin, places, LATEST, IsolationLevel.READ_COMMITTED)

    def _warn(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            logger.warning("%s", line)
