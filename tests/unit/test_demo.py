import os

import psutil
import pytest

from demo.screen import Look, Screen
from demo.service import started
from embedded_kafka.errors import CannotBeStarted
from runtime.stop import Stop

TOO_LONG = "x" * 1_000_000  # for Linux and macOS, as the text of a variable


def test_where_one_service_cannot_be_started_the_other_is_ended() -> None:
    before = set(psutil.Process().children())
    environments = {"generator": dict(os.environ), "detector": {**os.environ, "TOO_LONG": TOO_LONG}}
    screen = Screen(Look(is_json=False, has_color=False, has_date=True), Stop())
    refusal = "^the detector cannot be started: Argument list too long$"
    with pytest.raises(CannotBeStarted, match=refusal), started(environments, screen):
        pytest.fail("both were started")
    assert set(psutil.Process().children()) <= before
