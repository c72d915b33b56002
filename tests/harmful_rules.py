"""Rules for FRAUD_RULES that a test brings into the detector's process."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from messaging.transaction import Transaction

SUSPEND_WHEN = "SUSPEND_WHEN"
HANG_WHEN = "HANG_WHEN"
HANG_SECONDS = 5.0


def suspends_the_process(_paid: Transaction) -> None:
    """Stop the whole process in the middle of its batch, once, where the file named by SUSPEND_WHEN lies.

    A second after it has been woken it goes on: its heartbeat has learnt by then that the group has gone on without it.
    """
    order = Path(os.environ[SUSPEND_WHEN])
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1)


def fails_over_500(paid: Transaction) -> str | None:
    """Raise for some transactions."""
    if paid.amount > 500:
        raise LookupError(paid.source)
    return None


def hangs_for_a_while(_paid: Transaction) -> None:
    """Hold up its detector once, where the file named by HANG_WHEN lies."""
    order = Path(os.environ.get(HANG_WHEN, os.devnull))
    if not order.is_file():
        return
    with suppress(FileNotFoundError):  # another detector was quicker
        order.unlink()
        time.sleep(HANG_SECONDS)
