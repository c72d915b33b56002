"""The command line for rules on a cluster in memory, and no deadlines on a shared machine."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.rules_in_memory import RulesInMemory

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> RulesInMemory:
    return RulesInMemory(capfd, tmp_path)
