"""What holds up a member of a group, as far as the library knows."""

from collections.abc import Collection, Mapping

import msgspec
from confluent_kafka import Consumer

from messaging.confluent.membership import Membership
from messaging.standstill import NO_ANSWER, NO_COORDINATOR, OTHER_MEMBERS, not_joined, not_led, not_stable, not_there

_UNNAMED = ("init", "query-coord", "wait-coord")
_NAMED_AND_SILENT = ("wait-broker", "wait-broker-transport")


class Standstill:
    """Finds out whether a consumer is in its group, and where it stands before an open Kafka transaction."""

    def __init__(self, membership: Membership, group: str, topic: str) -> None:
        self._membership = membership
        self._group = group
        self._topic = topic
        self._state = "init"
        self._is_connected = False
        self._stable_ends: Mapping[int, int] = {}  # of the partitions that have more records
        self._without_leader: Collection[int] = ()
        self._is_missing = False

    def on_statistics(self, statistics: str) -> None:
        """Take note of how far librdkafka is with the group and the partitions; for `stats_cb`."""
        told = msgspec.json.decode(statistics)
        self._state = told["cgrp"]["state"]
        self._is_connected = any(broker["state"] == "UP" for broker in told["brokers"].values())
        topic = told["topics"].get(self._topic, {"partitions": {}, "metadata_age": 0})
        partitions = [partition for partition in topic["partitions"].values() if partition["partition"] >= 0]
        self._is_missing = topic["metadata_age"] > 0 and not partitions
        self._without_leader = {partition["partition"] for partition in partitions if partition["leader"] < 0}
        self._stable_ends = {
            partition["partition"]: partition["ls_offset"]
            for partition in partitions
            if partition["ls_offset"] < partition["hi_offset"]
        }

    def has_joined(self, consumer: Consumer) -> bool:
        """Tell whether the member is in the group, and knows what it is assigned."""
        return bool(self._membership.member_id) and consumer.memberid() == self._membership.member_id

    def waiting_for(self, consumer: Consumer) -> Mapping[str, str]:
        """Return what does not go on, and why (see messaging.seam)."""
        if not self.has_joined(consumer):
            return not_joined(self._group, self._why_not_joined())
        if self._is_missing:
            return not_there(self._topic)
        positions = self._membership.positions.items()
        started = {assigned.partition for assigned in consumer.assignment()}
        return {
            **not_led(self._topic, started.intersection(self._without_leader)),
            **not_stable(self._topic, {at: offset for at, offset in positions if offset == self._stable_ends.get(at)}),
        }

    def _why_not_joined(self) -> str:
        if not self._is_connected or self._state in _NAMED_AND_SILENT:
            return NO_ANSWER
        return NO_COORDINATOR if self._state in _UNNAMED else OTHER_MEMBERS
