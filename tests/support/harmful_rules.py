"""Rules for FRAUD_RULES that a test brings into the detector's process."""

import multiprocessing
import os
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from payments.transaction import Transaction

SUSPEND_WHEN = "SUSPEND_WHEN"
HANG_WHEN = "HANG_WHEN"
HANG_SECONDS = 5.0
AT_ONCE = "AT_ONCE"


def suspends_the_process(_paid: Transaction) -> None:
    """Stop the whole process in the middle of its batch, once, where the file named by SUSPEND_WHEN lies.

    A second after it has been woken it goes on: its heartbeat has learnt by then that the group has gone on without it.
    """
    order = Path(os.environ[SUSPEND_WHEN])
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1)


def takes_its_time(_paid: Transaction) -> None:
    """Take a tenth of a second, and say so: a batch of some dozens takes seconds. Where AT_ONCE is set, do neither."""
    if AT_ONCE in os.environ:
        return
    print("asked")  # noqa: T201 - the test looks for it among the lines of the log
    time.sleep(0.1)


def takes_its_time_and_whatever_is_raised(paid: Transaction) -> None:
    """Do the same, as careless code does it."""
    with suppress(BaseException):
        takes_its_time(paid)


def never_answers(_paid: Transaction) -> None:
    """Hang, unless AT_ONCE is set."""
    if AT_ONCE in os.environ:
        return
    print("asked")  # noqa: T201 - the test looks for it among the lines of the log
    time.sleep(3600)


def keeps_the_interpreter_to_itself(_paid: Transaction) -> None:
    """Hang in a call during which no other code of Python's can run, whatever it is about."""
    print("asked")  # noqa: T201 - the test looks for it among the lines of the log
    re.match(r"(a+)+$", "a" * 64 + "b")


def has_signals_of_its_own(_paid: Transaction) -> None:
    """Use an alarm, as a time limit of one's own does."""
    signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.03)


def returns_twice(_paid: Transaction, forked: list[int] = []) -> None:  # noqa: B006 - remembered by the function
    """Fork once, and let the child return too, with an exception, as if it were another detector."""
    if forked:
        return
    forked.append(os.fork())
    if forked == [0]:
        sys.exit("the child is done")


def ends_a_child_of_its_own(_paid: Transaction) -> None:
    """Start a process and end it with SIGTERM."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    child.terminate()
    child.join()


def takes_the_output_away(_paid: Transaction) -> None:
    """Leave the process without standard output and standard error."""
    sys.stdout = sys.stderr = None


def leaves_half_a_line(_paid: Transaction) -> None:
    """Print without a line's end."""
    print("half a line", end="")  # noqa: T201 - it is to be seen what becomes of it


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


def is_slow_over_100(paid: Transaction) -> None:
    """Take 31 ms for some transactions, and no time for the others."""
    if paid.amount > 100:
        time.sleep(0.031)


def finds_nothing(_paid: Transaction) -> None:
    """Find nothing."""
