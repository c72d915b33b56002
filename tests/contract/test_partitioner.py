import pytest
from hypothesis import given
from hypothesis import strategies as some
from kafka.partitioner import murmur2 as reference

from tests.support.partitioner import murmur2, partition_for


@given(some.binary(max_size=64))
def test_it_hashes_as_kafka_python_does(key: bytes) -> None:
    assert murmur2(key) == reference(key)


@pytest.mark.parametrize(
    ("key", "hashed"), [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)]
)
def test_it_hashes_as_the_tests_of_kafka_itself_say(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0xFFFFFFFF


@given(some.binary(max_size=64), some.integers(min_value=1, max_value=10_000))
def test_the_partition_is_one_of_those_there_are(key: bytes, partitions: int) -> None:
    assert partition_for(key, partitions) in range(partitions)
