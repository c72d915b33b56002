"""What a group's metadata says of the member."""

import struct

import pytest

from messaging.confluent.membership import generation_of
from messaging.seam import ClientFailed


@pytest.mark.parametrize("generation", [-1, 0, 1, 70_000])
def test_it_holds_the_generation(generation: int) -> None:
    assert generation_of(b"CGMDv2:" + struct.pack("<i", generation) + b"group\0member\0\x01") == generation


def test_another_form_is_not_guessed_at() -> None:
    with pytest.raises(ClientFailed, match="another form"):
        generation_of(b"CGMDv3:" + bytes(20))
