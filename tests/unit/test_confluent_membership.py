"""How far a member has read, and what its group's metadata says of it."""

import struct

import pytest

from messaging.confluent.membership import Membership, generation_of
from messaging.seam import ClientFailed


def test_an_end_that_is_told_before_the_records_behind_it_is_no_end() -> None:
    membership = Membership()
    membership.started(2, 100)
    assert not membership.read(records={2: 102}, ends={2: 100})
    assert not membership.read(records={}, ends={2: 102})
    assert membership.positions == {2: 102}


def test_an_end_behind_the_records_lies_behind_markers() -> None:
    membership = Membership()
    membership.started(2, 100)
    assert membership.read(records={2: 102}, ends={2: 103}) == {2: 103}
    assert not membership.read(records={}, ends={2: 103})
    assert membership.read(records={}, ends={2: 104}) == {2: 104}
    assert membership.positions == {2: 104}


def test_the_end_of_an_empty_partition_says_how_far_it_has_been_read() -> None:
    membership = Membership()
    membership.started(0, None)
    assert not membership.read(records={}, ends={0: 0})
    assert membership.positions == {0: 0}


def test_of_a_partition_that_is_not_started_nothing_counts() -> None:
    membership = Membership()
    assert not membership.read(records={}, ends={0: 9})
    assert not membership.is_next(0, 9)
    assert membership.positions == {}
    membership.started(0, 5)
    assert (membership.is_next(0, 4), membership.is_next(0, 5)) == (False, True)


@pytest.mark.parametrize("generation", [-1, 0, 1, 70_000])
def test_it_holds_the_generation(generation: int) -> None:
    assert generation_of(b"CGMDv2:" + struct.pack("<i", generation) + b"group\0member\0\x01") == generation


def test_another_form_is_not_guessed_at() -> None:
    with pytest.raises(ClientFailed, match="another form"):
        generation_of(b"CGMDv3:" + bytes(20))
