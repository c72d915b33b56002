"""What the outputs demand of a record, as far as it is known here: one that may not meet it may be a dead letter."""

from typing import NamedTuple

from messaging.batch import Record

_MOST_ADDED_BYTES = 4096


class Demands(NamedTuple):
    """`largest` is the size in bytes of the largest record that all output topics take.

    `refuses_times` where an output may refuse a timestamp that the input has taken. When that was is not known here, so
    then any record may be a dead letter. `refuses_keyless` where an output refuses a record without a key (compaction).
    """

    largest: int
    refuses_times: bool = False
    refuses_keyless: bool = False

    def may_refuse(self, record: Record) -> bool:
        """Tell whether an output may refuse a record of the input with what the detector adds to it.

        Close to the limit both is possible: whether its headers fit is not worked out here.
        """
        if self.refuses_times or (self.refuses_keyless and record.key is None):
            return True
        return _size(record) + _MOST_ADDED_BYTES > self.largest


def _size(record: Record) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name.encode(errors="replace")) + len(value or b"") for name, value in record.headers)
