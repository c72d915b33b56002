from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from messaging.batch import Message
from messaging.message_size import batch_bytes

sizes = st.none() | st.binary(max_size=300) | st.integers(0, 20_000).map(bytes)
headers = st.lists(st.tuples(st.text(max_size=100), sizes), max_size=3)


@given(sizes, sizes, headers)
def test_the_size_is_that_of_the_batch_as_kafka_python_builds_it(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, 1, 1, 1, 2**31)
    builder.append(0, 1_700_000_000_000, key, value, headers)
    assert batch_bytes(Message("t", key, value, headers, 0, None)) == len(builder.build())
