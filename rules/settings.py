"""The settings of the command line for rules."""

import getpass
import os
from dataclasses import dataclass

from decision.provenance import DecisionSettings
from messaging.settings import ConnectionSettings, TopicCreationSettings, TopicSettings, consumer_group
from runtime.logs import LogSettings
from runtime.settings import setting

_LONGEST_AUTHOR = 100


def author(text: str) -> str:
    """Return who is named in the history: the text, or the login name where it is empty."""
    if not text.isprintable() or len(text) > _LONGEST_AUTHOR:
        raise ValueError(f"a name of at most {_LONGEST_AUTHOR} characters, on one line")
    return text or login_name()


def login_name() -> str:
    """Return the name of the user that this process runs as, or his number where he has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container
        return f"user {os.getuid()}"


@dataclass(frozen=True)
class RulesSettings:
    """All that `python -m rules` reads."""

    connection: ConnectionSettings
    topic_creation: TopicCreationSettings
    topics: TopicSettings
    decision: DecisionSettings
    log: LogSettings
    consumer_group: str = consumer_group()
    # Loaded only by the command that asks them: a container of the others need not have the module.
    fraud_rules: str = setting("FRAUD_RULES", "", str, "rules of code, as module:function, comma-separated")
    author: str = setting(
        "RULES_AUTHOR", "", author, "who changes rules, for their history; empty: the login name", may_be_empty=True
    )
