"""What the commands work with, made when one asks for it: `--help` needs no settings, and `check` no Kafka."""

import logging
from collections.abc import Sequence
from functools import cached_property

from decision.rulebook import State, with_defaults
from messaging.seam import ClientLibrary
from messaging.supervisor import load_library
from rules.connection import expect_kafka
from rules.recent import last_transactions
from rules.settings import RulesSettings
from rules.topic import RulesTopic
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
    def topic(self) -> RulesTopic:
        """The topic of rules, read to its end."""
        expect_kafka(self.settings.connection.bootstrap_servers, self._process.stop)
        topic = RulesTopic(self.settings, self._library, self._process.stop)
        topic.open()
        return topic

    @property
    def now(self) -> State:
        """What holds now, with what settings give."""
        return with_defaults(self.topic.history.now, self.settings.defaults)

    def last_transactions(self) -> Sequence[Tried]:
        """Return the last transactions. Raises ServiceFailed and ServiceRefused."""
        return last_transactions(self.settings, self._library)

    @cached_property
    def _library(self) -> ClientLibrary:
        return load_library(self.settings.connection.client)
