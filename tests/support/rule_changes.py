"""Writes changes of rules as they stand in the topic, by hand."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from messaging.batch import Message
from tests.support.topics import Names, write


def change(servers: str, names: Names, rule: str, base: int = 0, **said: Any) -> None:
    """Write a change set of one rule; without anything said it is removed."""
    write(servers, [change_message(names.rules, {"name": rule, "base": base, **({"rule": said} if said else {})})])


def change_message(topic: str, *changes: Mapping[str, Any], identity: str = "") -> Message:
    """Return the record of a change set."""
    change_set = {"format": 1, "id": identity or uuid.uuid4().hex, "author": "the test", "changes": changes}
    return Message(topic, None, json.dumps(change_set).encode(), (), 0, 0)
