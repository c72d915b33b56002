"""What the commands work with, made when one asks for it: `--help` needs no settings, and `check` no Kafka."""

import logging
from collections.abc import Sequence
from functools import cached_property

from decision.asked_rule import AskedRule, lists_named
from decision.lists import NO_LISTS, ListBook
from decision.rulebook import State, with_defaults
from messaging.history import history_topic
from messaging.seam import ClientLibrary
from messaging.supervisor import load_library
from rules.cluster import Cluster
from rules.connection import expect_kafka
from rules.history import History
from rules.list_history import ListHistory
from rules.recent import last_transactions
from rules.settings import RulesSettings
from rules.topic import H, KnownTopic
from rules.trial import Tried
from runtime.output import standard_error
from runtime.process import Process
from runtime.service import begin_log, settings_or_end

logger = logging.getLogger(__name__)


class Session:
    """One run of the command line."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @cached_property
    def settings(self) -> RulesSettings:
        """The settings; ends the process where they cannot be used. The log is on standard error from here on."""
        settings, warnings = settings_or_end(self._process.name, RulesSettings)
        begin_log(self._process, settings, settings.log, standard_error())
        for warning in warnings:
            logger.warning("%s", warning)
        return settings

    @cached_property
    def topic(self) -> KnownTopic[History]:
        """The topic of rules, read to its end."""
        return self._opened("rules", History())

    @cached_property
    def lists(self) -> KnownTopic[ListHistory]:
        """The topic of lists, read to its end."""
        return self._opened("lists", ListHistory())

    def lists_of(self, asked: Sequence[AskedRule]) -> ListBook:
        """Return the lists, which need not be read where none of the rules asks for one.

        Raises ServiceFailed and ServiceRefused.
        """
        return self.lists.history.book if lists_named(rule.rule for rule in asked) else NO_LISTS

    @cached_property
    def cluster(self) -> Cluster:
        """Kafka, once it has answered. Raises ServiceFailed."""
        return Cluster(self.library, self.settings.connection, self._process.stop)

    def end_a_child(self) -> None:
        """End this process where it is a child that a user's rule has forked and let return."""
        self._process.stop.end_a_child()

    @property
    def now(self) -> State:
        """What holds now, with what settings give."""
        return with_defaults(self.topic.history.now, self.settings.decision.defaults)

    def last_transactions(self) -> Sequence[Tried]:
        """Return the last transactions. Raises ServiceFailed and ServiceRefused."""
        return last_transactions(self.settings, self.library)

    @cached_property
    def library(self) -> ClientLibrary:
        """The client library, once a server answers. Raises ServiceFailed."""
        expect_kafka(self.settings.connection.bootstrap_servers, self._process.stop)
        return load_library(self.settings.connection.client)

    def _opened(self, holds: str, history: H) -> KnownTopic[H]:
        topic = KnownTopic(history_topic(self.settings, self.library, holds), history, self._process.stop)
        topic.open()
        return topic
